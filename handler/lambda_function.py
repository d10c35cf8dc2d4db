"""Starts, stops and describes one EC2 instance.

The event is {"action": "start" | "stop" | "status"}, from API Gateway (proxy integration) or from a
direct invocation. Without an action, it is "status". The response has an HTTP status and a JSON body:

    200  message, instance_id, state
    400  error                          unknown action, or not a JSON object
    409  error, instance_id, state      not possible in the instance's current state
    500  error, request_id              any other error; the log has the details
"""

import base64
import json
import logging
import os

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

log = logging.getLogger(__name__)
log.setLevel(logging.INFO)

# Created once for all invocations. API Gateway times out after 29 s and returns 504. Both attempts
# together take less, so the caller gets the actual error instead.
ec2 = boto3.client(
    "ec2",
    region_name=os.environ.get("AWS_REGION"),
    config=Config(
        connect_timeout=3,
        read_timeout=9,
        retries={"mode": "standard", "total_max_attempts": 2},
    ),
)


class BadRequest(Exception):
    """A mistake in the request. The message is returned to the caller."""


def lambda_handler(event, context):
    try:
        return act(requested_action(event))
    except BadRequest as mistake:
        return reply(400, error=str(mistake))
    except Exception:
        request_id = getattr(context, "aws_request_id", None)
        log.exception("request %s failed", request_id)
        return reply(500, error="internal error", request_id=request_id)


def requested_action(event):
    request = payload(event)
    if not isinstance(request, dict):
        raise BadRequest("the request must be a JSON object")
    action = request.get("action", "status")
    if action not in ("start", "stop", "status"):
        raise BadRequest("action must be start, stop or status")
    return action


def payload(event):
    """Return the request: the event itself, or the body that API Gateway puts into it."""
    if not isinstance(event, dict) or "body" not in event:
        return {} if event is None else event
    body = event["body"]
    if not isinstance(body, str):
        return {} if body is None else body
    try:
        if event.get("isBase64Encoded"):
            body = base64.b64decode(body, validate=True).decode()
        return json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        raise BadRequest("the body is not valid JSON") from None


def act(action):
    instance_id = os.environ["INSTANCE_ID"]
    try:
        if action == "start":
            changes = ec2.start_instances(InstanceIds=[instance_id])["StartingInstances"]
            state = changes[0]["CurrentState"]["Name"]
            message = f"Starting instance {instance_id}"
        elif action == "stop":
            changes = ec2.stop_instances(InstanceIds=[instance_id])["StoppingInstances"]
            state = changes[0]["CurrentState"]["Name"]
            message = f"Stopping instance {instance_id}"
        else:
            state = current_state(instance_id)
            message = f"Instance {instance_id} is {state}"
    except ClientError as error:
        if error.response["Error"]["Code"] != "IncorrectInstanceState":
            raise
        state = current_state(instance_id)
        log.info("cannot %s %s: it is %s", action, instance_id, state)
        return reply(
            409,
            error=f"cannot {action} instance {instance_id} while it is {state}",
            instance_id=instance_id,
            state=state,
        )
    return reply(200, message=message, instance_id=instance_id, state=state)


def current_state(instance_id):
    reservations = ec2.describe_instances(InstanceIds=[instance_id])["Reservations"]
    return reservations[0]["Instances"][0]["State"]["Name"]


def reply(status, **body):
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(body),
    }
