"""What lies in the queues of SNS and SQS unread. Moto forgets it when it stops."""
import json
import urllib.request

# Moto verifies no signature; it finds the service that is meant in the scope.
SIGNATURE = ("AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/sqs/aws4_request, "
             "SignedHeaders=host, Signature=none")
HEADERS = {"Content-Type": "application/x-amz-json-1.0", "Authorization": SIGNATURE}
COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible",
          "ApproximateNumberOfMessagesDelayed")


def count_unread(endpoint):
    """Messages in the queues that somebody reads: those with a dead-letter queue behind them."""
    unread = 0
    for url in ask(endpoint, "ListQueues", {}).get("QueueUrls", []):
        told = ask(endpoint, "GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["All"]})
        if "RedrivePolicy" in told["Attributes"]:
            unread += sum(int(told["Attributes"][name]) for name in COUNTS)
    return unread


def ask(endpoint, action, body):
    request = urllib.request.Request(
        endpoint, data=json.dumps(body).encode(),
        headers=HEADERS | {"X-Amz-Target": f"AmazonSQS.{action}"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=5) as answer:
        return json.load(answer)
