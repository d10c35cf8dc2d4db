//! A census lists every object of every kind, and nothing that an emulator has by itself.

use serde_json::Value;
use stackwright_testkit::{Census, Emulator, counts};

const TAGS: &str = "Key=stackwright:address,Value=instance.i Key=stackwright:generation,Value=1";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"lambda.amazonaws.com"}}]}"#;

/// One command of the AWS client, its words apart by spaces.
#[track_caller]
fn aws(emulator: &Emulator, command: &str) -> Value {
    emulator.aws(&command.split(' ').collect::<Vec<_>>())
}

/// Makes one object of each kind; the id of the instance.
fn one_of_each(emulator: &Emulator) -> String {
    let launch = "ec2 run-instances --image-id ami-12c6146b --instance-type t2.micro";
    let made = aws(emulator, launch);
    let id = made["Instances"][0]["InstanceId"].as_str().expect("an id").to_owned();
    aws(emulator, &format!("ec2 create-tags --resources {id} --tags {TAGS}"));
    let role = ["iam", "create-role", "--role-name", "r", "--assume-role-policy-document", TRUST];
    let role = emulator.aws(&role);
    let arn = role["Role"]["Arn"].as_str().expect("an ARN");
    let zip = "import zipfile; zipfile.ZipFile('f.zip', 'w').writestr('a.py', '')";
    let zipped = emulator.python().args(["-c", zip]).status().expect("python runs");
    assert!(zipped.success(), "the function's code is zipped");
    let code = "--runtime python3.13 --handler a.b --zip-file fileb://f.zip";
    aws(emulator, &format!("lambda create-function --function-name f --role {arn} {code}"));
    aws(emulator, "apigateway create-rest-api --name a");
    let allows =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    emulator.aws(&["iam", "create-policy", "--policy-name", "p", "--policy-document", allows]);
    aws(emulator, "logs create-log-group --log-group-name g");
    aws(emulator, "ec2 allocate-address");
    aws(emulator, "ec2 create-key-pair --key-name k");
    aws(emulator, "ec2 create-security-group --group-name g --description d");
    id
}

#[test]
fn a_new_emulator_is_empty_and_then_has_one_object_of_each_kind() {
    for emulator in [Emulator::ministack().start(), Emulator::moto().start()] {
        let before = emulator.census();
        assert_eq!(before.counts(), counts([]), "{emulator:?}");
        let id = one_of_each(&emulator);
        let census = emulator.census();
        let expected = counts([
            ("address", 1),
            ("api", 1),
            ("function", 1),
            ("instance", 1),
            ("key_pair", 1),
            ("log_group", 1),
            ("policy", 1),
            ("role", 1),
            ("security_group", 1),
        ]);
        assert_eq!(census.counts(), expected, "{emulator:?}");
        assert_eq!(census.without(&before), census);
        assert_eq!(census.without(&census).counts(), counts([]));
        let [instance] = census.objects("instance") else { panic!("{census:?}") };
        let owner = instance.owner.as_ref().expect("the list has tags");
        assert_eq!((owner.address.as_str(), owner.generation.as_str()), ("instance.i", "1"));
        assert_eq!(instance.id, id);
        assert_eq!(census.power(), ["running"], "{emulator:?}");
        assert_eq!(
            (census.ids("role"), census.ids("function")),
            (vec!["r".into()], vec!["f".into()])
        );

        aws(&emulator, &format!("ec2 terminate-instances --instance-ids {id}"));
        assert_eq!(emulator.census().count("instance"), 0, "a terminated instance is not counted");
    }
}

/// A misspelt kind would otherwise count as none.
#[test]
#[should_panic(expected = "the testkit has no kind `instances`")]
fn a_kind_that_does_not_exist_is_not_counted() {
    Census::default().count("instances");
}
