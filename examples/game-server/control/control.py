"""Starts, stops and describes the game server.

    GET  /server          {"state": "running", "address": "203.0.113.9:34197"}
    POST /server/start    the same, once EC2 has accepted it
    POST /server/stop     the same

A server that is on its way into another state answers 409: try again in a moment.
"""

import json
import os

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

INSTANCE = os.environ["INSTANCE_ID"]

# A request makes two calls at most, of two attempts each: 20 seconds at worst, less than the function's timeout.
ec2 = boto3.client(
    "ec2",
    config=Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 2}),
)


def handle(event, _context):
    try:
        act(event["resource"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "IncorrectInstanceState":
            raise
        return reply(409)
    return reply(200)


def act(route):
    if route == "/server/start":
        ec2.start_instances(InstanceIds=[INSTANCE])
    elif route == "/server/stop":
        ec2.stop_instances(InstanceIds=[INSTANCE])


def state():
    reservations = ec2.describe_instances(InstanceIds=[INSTANCE])["Reservations"]
    return reservations[0]["Instances"][0]["State"]["Name"]


def reply(status):
    body = {"state": state(), "address": os.environ["ADDRESS"]}
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(body),
    }
