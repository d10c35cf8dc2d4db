terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" {}

provider "aws" {
  region                      = "us-east-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  endpoints {
    apigateway = var.endpoint
    ec2        = var.endpoint
    iam        = var.endpoint
    lambda     = var.endpoint
    logs       = var.endpoint
    sts        = var.endpoint
  }
  default_tags {
    tags = { project = "atelier" }
  }
}

resource "aws_instance" "web" {
  ami           = "ami-ff0fea8310f3"
  instance_type = "t2.micro"
  tags          = { Name = "web" }
}

resource "aws_iam_role" "lambda" {
  name = "lambda-ec2-role"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
}

resource "aws_iam_role_policy" "lambda" {
  name = "control"
  role = aws_iam_role.lambda.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = ["ec2:StartInstances", "ec2:StopInstances"], Resource = aws_instance.web.arn },
      { Effect = "Allow", Action = "ec2:DescribeInstances", Resource = "*" },
      { Effect = "Allow", Action = ["logs:CreateLogStream", "logs:PutLogEvents"], Resource = "${aws_cloudwatch_log_group.control.arn}:*" },
    ]
  })
}

resource "aws_cloudwatch_log_group" "control" {
  name              = "/aws/lambda/ec2-control"
  retention_in_days = 14
}

resource "aws_lambda_function" "control" {
  function_name    = "ec2-control"
  filename         = "handler.zip"
  source_code_hash = filebase64sha256("handler.zip")
  runtime          = "python3.13"
  handler          = "lambda_function.lambda_handler"
  role             = aws_iam_role.lambda.arn
  timeout          = 30
  depends_on       = [aws_cloudwatch_log_group.control]
  environment {
    variables = { INSTANCE_ID = aws_instance.web.id }
  }
}

resource "aws_api_gateway_rest_api" "control" {
  name        = "EC2-Control-API"
  description = "API to control EC2 instances"
}

resource "aws_api_gateway_resource" "ec2" {
  rest_api_id = aws_api_gateway_rest_api.control.id
  parent_id   = aws_api_gateway_rest_api.control.root_resource_id
  path_part   = "ec2"
}

resource "aws_api_gateway_method" "post" {
  rest_api_id   = aws_api_gateway_rest_api.control.id
  resource_id   = aws_api_gateway_resource.ec2.id
  http_method   = "POST"
  authorization = "NONE"
}

resource "aws_api_gateway_integration" "post" {
  rest_api_id             = aws_api_gateway_rest_api.control.id
  resource_id             = aws_api_gateway_resource.ec2.id
  http_method             = aws_api_gateway_method.post.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = aws_lambda_function.control.invoke_arn
}

# Further routes.

resource "aws_lambda_permission" "control" {
  statement_id  = "api"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.control.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.control.execution_arn}/prod/*"
}

resource "aws_api_gateway_deployment" "control" {
  rest_api_id = aws_api_gateway_rest_api.control.id
  triggers    = { routes = length(regexall("aws_api_gateway_integration\" ", file("main.tf"))) }
  depends_on  = [aws_api_gateway_integration.post]
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_stage" "prod" {
  rest_api_id   = aws_api_gateway_rest_api.control.id
  deployment_id = aws_api_gateway_deployment.control.id
  stage_name    = "prod"
}
