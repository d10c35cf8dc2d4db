resource "aws_api_gateway_method" "get" {
  rest_api_id   = aws_api_gateway_rest_api.control.id
  resource_id   = aws_api_gateway_resource.ec2.id
  http_method   = "GET"
  authorization = "NONE"
}

resource "aws_api_gateway_integration" "get" {
  rest_api_id             = aws_api_gateway_rest_api.control.id
  resource_id             = aws_api_gateway_resource.ec2.id
  http_method             = aws_api_gateway_method.get.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = aws_lambda_function.control.invoke_arn
}
