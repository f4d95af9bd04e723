"""What was promised beforehand, beside what was measured."""


def judge(rows, facts):
    return []
