"""Tests of the handler against moto: python3 -m unittest discover tests/handler"""

import base64
import json
import os
import sys
import types
import unittest
from pathlib import Path
from unittest import mock

for name, value in {
    "AWS_REGION": "eu-west-3",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_EC2_METADATA_DISABLED": "true",
    # moto would load thousands of images for every test, and no test uses them.
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
}.items():
    os.environ[name] = value
for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_EC2", "INSTANCE_ID"):
    os.environ.pop(name, None)
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "handler"))

# Imported after the environment is set, because boto3 and moto read it on import.
import boto3  # noqa: E402
import lambda_function  # noqa: E402
from botocore.exceptions import ClientError, EndpointConnectionError  # noqa: E402
from moto import mock_aws  # noqa: E402

CONTEXT = types.SimpleNamespace(aws_request_id="request-1")


class HandlerTest(unittest.TestCase):
    def setUp(self):
        cloud = mock_aws()
        cloud.start()
        self.addCleanup(cloud.stop)
        self.ec2 = boto3.client("ec2", region_name="eu-west-3")
        # Create the client again inside the mock, as a cold start does.
        client = boto3.client("ec2", region_name="eu-west-3")
        patch = mock.patch.object(lambda_function, "ec2", client)
        patch.start()
        self.addCleanup(patch.stop)
        self.id = self.launch()
        environment = mock.patch.dict(os.environ, {"INSTANCE_ID": self.id})
        environment.start()
        self.addCleanup(environment.stop)

    def launch(self):
        launched = self.ec2.run_instances(ImageId="ami-ff0fea8310f3", MinCount=1, MaxCount=1)
        return launched["Instances"][0]["InstanceId"]

    def call(self, event, status=200):
        answer = lambda_function.lambda_handler(event, CONTEXT)
        self.assertEqual(answer["headers"], {"Content-Type": "application/json"})
        body = json.loads(answer["body"])
        self.assertEqual(answer["statusCode"], status, body)
        return body

    def state(self):
        found = self.ec2.describe_instances(InstanceIds=[self.id])
        return found["Reservations"][0]["Instances"][0]["State"]["Name"]

    def failing(self, operation, code):
        """Make an EC2 operation fail with a code. Emulators accept more than AWS does."""
        error = ClientError({"Error": {"Code": code, "Message": "secret detail"}}, operation)
        return mock.patch.object(lambda_function.ec2, operation, side_effect=error)


class Actions(HandlerTest):
    def test_status_returns_the_state(self):
        self.assertEqual(
            self.call({"action": "status"}),
            {
                "message": f"Instance {self.id} is running",
                "instance_id": self.id,
                "state": "running",
            },
        )

    def test_stop_and_start_change_the_state(self):
        body = self.call({"action": "stop"})
        self.assertEqual(body["message"], f"Stopping instance {self.id}")
        self.assertEqual(body["instance_id"], self.id)
        self.assertIn(body["state"], ("stopping", "stopped"))
        self.assertEqual(self.state(), "stopped")
        self.assertEqual(self.call({})["message"], f"Instance {self.id} is stopped")

        body = self.call({"action": "start"})
        self.assertEqual(body["message"], f"Starting instance {self.id}")
        self.assertIn(body["state"], ("pending", "running"))
        self.assertEqual(self.state(), "running")

    def test_starting_a_running_instance_succeeds(self):
        # AWS returns running and moto pending; both accept the call.
        body = self.call({"action": "start"})
        self.assertEqual(body["message"], f"Starting instance {self.id}")
        self.assertEqual(self.state(), "running")

    def test_only_the_configured_instance_is_changed(self):
        other = self.launch()
        body = self.call({"action": "stop", "instance_id": other, "INSTANCE_ID": other})
        self.assertEqual(body["instance_id"], self.id)
        found = self.ec2.describe_instances(InstanceIds=[other])
        self.assertEqual(found["Reservations"][0]["Instances"][0]["State"]["Name"], "running")


class Events(HandlerTest):
    def test_status_is_the_default(self):
        for event in (
            {},
            None,
            {"body": None},
            {"body": ""},
            {"body": " \n"},
            {"body": "{}"},
            {"body": "", "isBase64Encoded": True},
            {"body": {}},
        ):
            with self.subTest(event=event):
                self.assertEqual(self.call(event)["state"], "running")

    def test_an_api_gateway_event_is_accepted(self):
        event = {
            "resource": "/ec2",
            "httpMethod": "POST",
            "headers": {"Content-Type": "application/json"},
            "requestContext": {"stage": "prod"},
            "body": '{"action": "stop"}',
            "isBase64Encoded": False,
        }
        self.assertEqual(self.call(event)["message"], f"Stopping instance {self.id}")

    def test_a_base64_body_is_decoded(self):
        body = base64.b64encode(b'{"action": "stop"}').decode()
        answer = self.call({"body": body, "isBase64Encoded": True})
        self.assertEqual(answer["message"], f"Stopping instance {self.id}")

    def test_a_parsed_body_is_accepted(self):
        answer = self.call({"body": {"action": "stop"}})
        self.assertEqual(answer["message"], f"Stopping instance {self.id}")


class Mistakes(HandlerTest):
    def test_an_unknown_action_is_400(self):
        for action in ("terminate", "START", "", None, 1, ["start"], {"start": 1}):
            with self.subTest(action=action):
                body = self.call({"action": action}, status=400)
                self.assertEqual(body, {"error": "action must be start, stop or status"})

    def test_malformed_json_is_400(self):
        for event in (
            {"body": "{"},
            {"body": "action=start"},
            {"body": "[" * 100_000},
            {"body": "???", "isBase64Encoded": True},
            {"body": base64.b64encode(b"\xff\xfe").decode(), "isBase64Encoded": True},
        ):
            with self.subTest(event=str(event)[:40]):
                body = self.call(event, status=400)
                self.assertEqual(body, {"error": "the body is not valid JSON"})

    def test_json_that_is_not_an_object_is_400(self):
        for event in ({"body": "[1]"}, {"body": '"start"'}, {"body": "7"}, ["start"], [], "start"):
            with self.subTest(event=event):
                body = self.call(event, status=400)
                self.assertEqual(body, {"error": "the request must be a JSON object"})
        self.assertEqual(self.state(), "running")


class Refusals(HandlerTest):
    def test_an_impossible_action_is_409(self):
        for action in ("start", "stop"):
            with self.subTest(action=action):
                with self.failing(f"{action}_instances", "IncorrectInstanceState"):
                    body = self.call({"action": action}, status=409)
                self.assertEqual(
                    body,
                    {
                        "error": f"cannot {action} instance {self.id} while it is running",
                        "instance_id": self.id,
                        "state": "running",
                    },
                )

    def internal(self, event):
        with self.assertLogs("lambda_function", "ERROR") as logged:
            body = self.call(event, status=500)
        self.assertEqual(body, {"error": "internal error", "request_id": "request-1"})
        return "\n".join(logged.output)

    def test_missing_permission_is_500_and_logged(self):
        with self.failing("start_instances", "UnauthorizedOperation"):
            logged = self.internal({"action": "start"})
        self.assertIn("request request-1 failed", logged)
        self.assertIn("secret detail", logged)
        self.assertIn("Traceback", logged)

    def test_a_missing_instance_is_500_and_logged(self):
        with mock.patch.dict(os.environ, {"INSTANCE_ID": "i-0123456789abcdef0"}):
            self.assertIn("InvalidInstanceID.NotFound", self.internal({}))

    def test_a_missing_variable_is_500_and_logged(self):
        del os.environ["INSTANCE_ID"]
        self.assertIn("INSTANCE_ID", self.internal({}))

    def test_an_unreachable_endpoint_is_500_and_logged(self):
        error = EndpointConnectionError(endpoint_url="http://x")
        with mock.patch.object(lambda_function.ec2, "describe_instances", side_effect=error):
            self.assertIn("http://x", self.internal({}))

    def test_a_failed_describe_after_a_refusal_is_500(self):
        with self.failing("start_instances", "IncorrectInstanceState"):
            with self.failing("describe_instances", "RequestLimitExceeded"):
                self.internal({"action": "start"})

    def test_an_error_without_context_is_500(self):
        with self.failing("describe_instances", "InternalError"):
            with self.assertLogs("lambda_function", "ERROR"):
                answer = lambda_function.lambda_handler({}, None)
        self.assertEqual(answer["statusCode"], 500)


class Client(unittest.TestCase):
    def test_region_comes_from_the_environment(self):
        self.assertEqual(lambda_function.ec2.meta.region_name, "eu-west-3")


if __name__ == "__main__":
    unittest.main()
