// The sample as an app of CDK.
const { readFileSync } = require("node:fs");
const cdk = require("aws-cdk-lib");
const { aws_apigateway: apigateway, aws_ec2: ec2, aws_iam: iam, aws_lambda: lambda, aws_logs: logs } = cdk;

// Without files to upload, so that nothing has to be bootstrapped.
const stack = new cdk.Stack(new cdk.App(), "app", { synthesizer: new cdk.BootstraplessSynthesizer() });

const instance = new ec2.CfnInstance(stack, "Instance", {
  imageId: "ami-ff0fea8310f3",
  instanceType: "t2.micro",
});
// The id of the image is that of an emulator. An older CDK does not check it.
cdk.Validations?.of(instance).acknowledge({ id: "CloudFormation-Validate::E1152", reason: "an emulator's image" });
const role = new iam.Role(stack, "Role", {
  roleName: "app-role",
  assumedBy: new iam.ServicePrincipal("lambda.amazonaws.com"),
});
role.addToPolicy(new iam.PolicyStatement({
  actions: ["ec2:StartInstances", "ec2:StopInstances", "ec2:DescribeInstances"],
  resources: ["*"],
}));
const logGroup = new logs.LogGroup(stack, "Logs", {
  logGroupName: "/aws/lambda/app",
  retention: logs.RetentionDays.TWO_WEEKS,
  removalPolicy: cdk.RemovalPolicy.DESTROY,
});
const handler = new lambda.Function(stack, "Function", {
  functionName: "app",
  runtime: lambda.Runtime.PYTHON_3_13,
  handler: "index.lambda_handler",
  code: lambda.Code.fromInline(readFileSync("handler/lambda_function.py", "utf8")),
  role,
  logGroup,
  timeout: cdk.Duration.seconds(30),
  environment: { INSTANCE_ID: instance.ref },
});
const api = new apigateway.RestApi(stack, "Api", { restApiName: "app", cloudWatchRole: false });
const path = api.root.addResource("ec2");
path.addMethod("POST", new apigateway.LambdaIntegration(handler));
// Further routes.
