//! CloudFormation through the AWS CLI, which comes with the emulators.

use std::fs;

use stackwright_testkit::Emulator;

use super::{Contestant, Step, cli_variables, cli_version, folder_with_code};
use crate::Result;

const FILE: &str = "template.yaml";

/// What one more route replaces: a deployment is a snapshot, so that there must be a new one.
const DEPLOYMENT: &str = "  First:
    Type: AWS::ApiGateway::Deployment
    DependsOn: [Post]
";
const ROUTE: &str = "  Get:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Api
      ResourceId: !Ref Path
      HttpMethod: GET
      AuthorizationType: NONE
      Integration:
        Type: AWS_PROXY
        IntegrationHttpMethod: POST
        Uri: !Sub \"arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations\"
  Second:
    Type: AWS::ApiGateway::Deployment
    DependsOn: [Post, Get]
";

const DEPLOY: &str = "\"$PYTHON\" -m awscli cloudformation deploy --stack-name sample \
    --template-file template.yaml --capabilities CAPABILITY_NAMED_IAM --no-fail-on-empty-changeset";
const DELETE: &str = "\"$PYTHON\" -m awscli cloudformation delete-stack --stack-name sample && \
    \"$PYTHON\" -m awscli cloudformation wait stack-delete-complete --stack-name sample";

/// # Errors
/// The folder cannot be written.
pub fn contestant(emulator: &Emulator) -> Result<Contestant> {
    let folder = folder_with_code()?;
    let code = fs::read_to_string(folder.path().join("handler/lambda_function.py"))?;
    // A JSON string is valid YAML.
    let code = serde_json::to_string(&code)?;
    let template =
        include_str!("template.yaml").replace("ZipFile: CODE", &format!("ZipFile: {code}"));
    fs::write(folder.path().join(FILE), template)?;
    let variables = cli_variables(emulator);
    let version = cli_version();
    Ok(Contestant { name: "cloudformation", variables, folder, version, steps: steps() })
}

pub(super) fn steps() -> Vec<Step> {
    let (deploy, delete) = (["sh", "-c", DEPLOY], ["sh", "-c", DELETE]);
    vec![
        Step::new("create", &deploy),
        Step::new("nothing to do", &deploy),
        Step::new("change a timeout", &deploy).after(FILE, "Timeout: 30", "Timeout: 60"),
        Step::new("one more route", &deploy).after(FILE, DEPLOYMENT, ROUTE),
        Step::new("destroy", &delete),
    ]
}
