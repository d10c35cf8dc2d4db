set -eu
aws() { "$PYTHON" -m awscli --output text "$@"; }

instance=$(aws ec2 run-instances --image-id ami-ff0fea8310f3 --instance-type t2.micro \
  --tag-specifications 'ResourceType=instance,Tags=[{Key=Name,Value=script}]' --query 'Instances[0].InstanceId')
role=$(aws iam create-role --role-name script-role --query Role.Arn --assume-role-policy-document \
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}')
aws iam put-role-policy --role-name script-role --policy-name control --policy-document \
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ec2:StartInstances","ec2:StopInstances","ec2:DescribeInstances"],"Resource":"*"}]}'
aws logs create-log-group --log-group-name /aws/lambda/script
aws logs put-retention-policy --log-group-name /aws/lambda/script --retention-in-days 14
function=$(aws lambda create-function --function-name script --runtime python3.13 --role "$role" --timeout 30 \
  --handler lambda_function.lambda_handler --zip-file fileb://handler.zip \
  --environment "Variables={INSTANCE_ID=$instance}" --query FunctionArn)
api=$(aws apigateway create-rest-api --name script --query id)
root=$(aws apigateway get-resources --rest-api-id "$api" --query 'items[0].id')
path=$(aws apigateway create-resource --rest-api-id "$api" --parent-id "$root" --path-part ec2 --query id)
aws apigateway put-method --rest-api-id "$api" --resource-id "$path" --http-method POST --authorization-type NONE
aws apigateway put-integration --rest-api-id "$api" --resource-id "$path" --http-method POST --type AWS_PROXY \
  --integration-http-method POST \
  --uri "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/$function/invocations"
aws lambda add-permission --function-name script --statement-id api --action lambda:InvokeFunction \
  --principal apigateway.amazonaws.com
aws apigateway create-deployment --rest-api-id "$api" --stage-name prod
