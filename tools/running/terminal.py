"""What `make run` shows: its own sentences, and the lines of the services in the order of time."""
import heapq
import itertools
import os
import re
import signal
import sys
import threading
import time

SERVICE_COLOURS = {"gateway": 36, "authorization": 32, "ledger": 33, "outbox": 35, "saga": 34}


class Failure(Exception):
    """Something that ends the run, said in a sentence that tells what to do."""


class Stop(Exception):
    """Somebody wants the run to end."""


reader_gone = threading.Event()  # as in `make run | head`


def put(text):
    try:
        print(text, flush=True)
    except OSError:
        reader_gone.set()
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(sentence):
    put(f"tallystick: {sentence}")


class Screen:
    """Prints the services' lines in the order of their time stamps. A process writes its lines some
    milliseconds late, so each waits a moment for earlier ones of its neighbours; and all are held
    back until the first request has been shown."""

    WAIT_S = 0.05
    STAMP = re.compile(r'^(?:{"ts":"[^T"]*T)?(\d\d:\d\d:\d\d\.\d+)')

    def __init__(self):
        self.lock = threading.Lock()
        self.lines = []  # a heap of (time stamp, number, time of arrival, text)
        self.numbers = itertools.count()
        self.stamps = {}  # the last one of each service
        self.coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self.printer = threading.Thread(target=self._print_for_ever, daemon=True)

    def show(self, name, line):
        """Lines without a stamp, such as a sanitizer's, stay behind the one before them."""
        colour, end = (f"\033[{SERVICE_COLOURS[name]}m", "\033[0m") if self.coloured else ("", "")
        with self.lock:
            found = self.STAMP.match(line)
            stamp = self.stamps[name] = found[1] if found else self.stamps.get(name, "")
            text = f"{colour}{name:<13}{end} | {line}"
            heapq.heappush(self.lines, (stamp, next(self.numbers), time.monotonic(), text))

    def release(self):
        if not self.printer.is_alive():
            self.printer.start()

    def finish(self):
        self._print_arrived_before(time.monotonic())

    def _print_for_ever(self):
        while True:
            self._print_arrived_before(time.monotonic() - self.WAIT_S)
            time.sleep(self.WAIT_S / 2)

    def _print_arrived_before(self, moment):
        with self.lock:
            while self.lines and self.lines[0][2] <= moment:
                put(heapq.heappop(self.lines)[3])


def take_terminal():
    """Makes this process the terminal's foreground, as a shell does for its jobs, so that Ctrl-C
    reaches it alone: make would report an interrupted recipe otherwise. Returns what undoes it."""
    if not os.isatty(0) or os.getpgrp() == os.getpid():
        return lambda: None
    before = os.tcgetpgrp(0)
    if before != os.getpgrp():
        return lambda: None
    os.setpgid(0, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.tcsetpgrp(0, os.getpgrp())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)  # make would wait for ever
    return lambda: os.tcsetpgrp(0, before)
