//! Answers of AWS that no emulator gives, and what comes of each. The table is also docs/aws.md.

use std::fmt::Write as _;

use stackwright_testkit::{Act, Emulator, Proxy, Refusal};

use super::{signed, unsigned};

/// How often AWS gives an answer before it does what was asked.
#[derive(Clone, Copy)]
enum Times {
    Once,
    Twice,
    Always,
}

enum Outcome {
    /// The same run waits, and finishes the job.
    Done,
    /// The run fails after one call, exits with 4 and says this.
    Fails(&'static [&'static str]),
}

use Outcome::{Done, Fails};

struct Row {
    call: &'static str,
    answer: Refusal,
    times: Times,
    /// Of the stack file, without its head.
    resources: &'static str,
    outcome: Outcome,
    /// What stackwright does, for the page.
    does: &'static str,
    source: &'static str,
}

const INSTANCE: &str = "instance:\n  NAME: {image: ami-ff0fea8310f3, type: t2.micro}\n";
const WITH_ROLE: &str = "role:\n  NAME: {trust: ec2.amazonaws.com}\n\
    instance:\n  NAME: {image: ami-ff0fea8310f3, type: t2.micro, profile: role.NAME}\n";
const FUNCTION: &str = "role:\n  NAME: {trust: lambda.amazonaws.com}\n\
    function:\n  NAME: {code: code/, runtime: python3.13, handler: a.b, role: role.NAME}\n";
const RESERVED: &str = "role:\n  NAME: {trust: lambda.amazonaws.com}\n\
    function:\n  NAME: {code: code/, runtime: python3.13, handler: a.b, role: role.NAME, concurrency: 5}\n";
const API: &str = "role:\n  NAME: {trust: lambda.amazonaws.com}\n\
    function:\n  NAME: {code: code/, runtime: python3.13, handler: a.b, role: role.NAME}\n\
    api:\n  NAME: {stage: prod, authorization: none, routes: {GET /a: function.NAME}}\n";
const TRUSTING: &str = "role:\n  NAME: {trust: lambda.amazonaws.com}\n  NAME-2:\n\
    \x20   trust: {Version: '2012-10-17', Statement: [{Effect: Allow, Action: 'sts:AssumeRole', Principal: {AWS: '${role.NAME.arn}'}}]}\n";

const fn refused(status: u16, code: &'static str, message: &'static str) -> Refusal {
    Refusal::new(status, code).saying(message)
}

const ROWS: &[Row] = &[
    Row {
        call: "RunInstances",
        answer: refused(
            400,
            "InvalidParameterValue",
            "Value (NAME) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name",
        ),
        times: Times::Twice,
        resources: WITH_ROLE,
        outcome: Done,
        does: "waits up to 120 s until EC2 knows the new profile",
        source: "EC2 API",
    },
    Row {
        call: "RunInstances",
        answer: refused(
            400,
            "InvalidParameterValue",
            "IAM Instance Profile \"arn:aws:iam::000000000000:instance-profile/NAME\" has no associated IAM Roles",
        ),
        times: Times::Twice,
        resources: WITH_ROLE,
        outcome: Done,
        does: "waits up to 120 s until EC2 sees the role in the new profile",
        source: "terraform-provider-aws `ec2_instance.go`",
    },
    Row {
        call: "RunInstances",
        answer: refused(
            401,
            "OptInRequired",
            "In order to use this AWS Marketplace product you need to accept terms and subscribe.",
        ),
        times: Times::Always,
        resources: INSTANCE,
        outcome: Fails(&["accept terms and subscribe"]),
        does: "that instance fails; the credentials are not blamed, and what does not need it is done",
        source: "EC2 API, error codes",
    },
    Row {
        call: "RunInstances",
        answer: refused(403, "AuthFailure", "Not authorized for images: [ami-ff0fea8310f3]"),
        times: Times::Always,
        resources: INSTANCE,
        outcome: Fails(&["Not authorized for images"]),
        does: "that instance fails; the credentials are not blamed, and what does not need it is done",
        source: "EC2 API, error codes",
    },
    Row {
        call: "RunInstances",
        answer: refused(
            403,
            "UnauthorizedOperation",
            "You are not authorized to perform this operation. Encoded authorization failure message: \
             Qx3Qx3Qx3Qx3Qx3Qx3Qx3Qx3Qx3Qx3Qx3Qx3Qx3Qx3Qx3Qx3Qx3Qx3Qx3Qx3",
        ),
        times: Times::Always,
        resources: INSTANCE,
        outcome: Fails(&[
            "Encoded authorization failure message: Qx3Qx3Qx3Qx3…",
            "aws sts decode-authorization-message --encoded-message Qx3",
        ]),
        does: "that instance fails; the encoded message is shortened, with the command that decodes it",
        source: "EC2 API, error codes",
    },
    Row {
        call: "RunInstances",
        answer: refused(
            400,
            "VcpuLimitExceeded",
            "You have requested more vCPU capacity than your current vCPU limit of 1 allows",
        ),
        times: Times::Always,
        resources: INSTANCE,
        outcome: Fails(&["vCPU limit of 1", "a quota of the account is used up"]),
        does: "that instance fails at once: a quota is no throttling",
        source: "EC2 API, error codes",
    },
    Row {
        call: "RunInstances",
        answer: refused(
            400,
            "MissingInput",
            "No subnets found for the default VPC 'vpc-0abc'. Please specify a subnet.",
        ),
        times: Times::Always,
        resources: INSTANCE,
        outcome: Fails(&["Please specify a subnet"]),
        does: "that instance fails; `subnet` in the file names one",
        source: "EC2 API, error codes",
    },
    Row {
        call: "CreateRole",
        answer: refused(
            400,
            "MalformedPolicyDocument",
            "Invalid principal in policy: \"AWS\":\"arn:aws:iam::000000000000:role/NAME\"",
        ),
        times: Times::Twice,
        resources: TRUSTING,
        outcome: Done,
        does: "waits up to 120 s until IAM knows the new role that the policy names",
        source: "terraform-provider-aws `iam/role.go`",
    },
    Row {
        call: "CreateFunction",
        answer: refused(
            400,
            "InvalidParameterValueException",
            "The role defined for the function cannot be assumed by Lambda.",
        ),
        times: Times::Twice,
        resources: FUNCTION,
        outcome: Done,
        does: "waits up to 300 s until Lambda can assume the new role",
        source: "terraform-provider-aws `lambda/consts.go`",
    },
    Row {
        call: "CreateFunction",
        answer: refused(
            400,
            "InvalidParameterValueException",
            "Your request has been throttled by EC2, please make sure you have enough API rate limit.",
        ),
        times: Times::Once,
        resources: FUNCTION,
        outcome: Done,
        does: "asks again, up to 600 s",
        source: "terraform-provider-aws `lambda/function.go`",
    },
    Row {
        call: "CreateFunction",
        answer: refused(
            409,
            "ResourceConflictException",
            "The operation cannot be performed at this time. An update is in progress for resource: \
             arn:aws:lambda:us-east-1:000000000000:function:NAME",
        ),
        times: Times::Twice,
        resources: FUNCTION,
        outcome: Done,
        does: "asks again: only \"Function already exist\" means that the name is taken",
        source: "terraform-provider-aws `lambda/function.go`",
    },
    Row {
        call: "PutFunctionConcurrency",
        answer: refused(
            400,
            "InvalidParameterValueException",
            "Specified ReservedConcurrentExecutions for function decreases account's \
             UnreservedConcurrentExecution below its minimum value of [10].",
        ),
        times: Times::Always,
        resources: RESERVED,
        outcome: Fails(&["below its minimum value of [10]", "a new account has 10 in all"]),
        does: "that function fails, and the hint explains the quota of new accounts",
        source: "recorded; awslabs/fhir-works-on-aws-deployment issue 691",
    },
    Row {
        call: "CreateRestApi",
        answer: refused(
            401,
            "UnauthorizedException",
            "The request is denied because the caller has insufficient permissions.",
        ),
        times: Times::Always,
        resources: API,
        outcome: Fails(&["insufficient permissions", "lack this permission"]),
        does: "that API fails: a permission is missing, the credentials are right",
        source: "API Gateway API",
    },
    Row {
        call: "CreateResource",
        answer: refused(
            429,
            "LimitExceededException",
            "Maximum number of Resources for this API has been reached.  Please contact AWS if you need \
             additional Resources.",
        ),
        times: Times::Always,
        resources: API,
        outcome: Fails(&["Maximum number of Resources", "a quota of the account is used up"]),
        does: "that API fails at once: a quota is no throttling, whatever the status says",
        source: "terraform-provider-aws issue 37605",
    },
];

/// The place of the name in the rows' texts.
fn named(text: &str, at: usize) -> String {
    text.replace("NAME", &format!("n{at}"))
}

fn plays(emulator: &Emulator, at: usize, row: &Row) {
    let answers = match row.times {
        Times::Once => 1,
        Times::Twice => 2,
        Times::Always => usize::MAX,
    };
    let (name, answer) = (row.call, row.answer);
    // The second role of a stack that has two.
    let spared = usize::from(row.resources == TRUSTING);
    let proxy = Proxy::before(emulator, move |call| {
        let is_asked = call.operation.name == name && call.occurrence >= spared;
        if is_asked && call.occurrence - spared < answers { Act::Refuse(answer) } else { Act::Pass }
    });
    let stack = signed(unsigned(emulator, &proxy));
    let head = format!("stack: s{at}\ncloud: aws\naccount: '000000000000'\n");
    stack.write("stack.yaml", &(head + &named(row.resources, at)));
    std::fs::create_dir(stack.path("code")).expect("a folder");
    stack.write("code/a.py", "def b(event, context):\n    return {}\n");
    let ran = stack.run(&["reconcile", "--yes"]);
    let calls = proxy.log().iter().filter(|call| call.operation.name == name).count();
    match row.outcome {
        Done => {
            assert_eq!(ran.code, 0, "{name}: {}\n{ran}", answer.message);
            stack.settled(&[]);
            assert!(calls > answers, "{name}: {calls} calls");
        }
        Fails(parts) => {
            parts.iter().fold(ran.code(4), |ran, part| ran.says(part));
            assert_eq!(calls, 1, "{name} is asked once: {}", answer.message);
        }
    }
    stack.ok(&["destroy", "--yes"]);
}

#[test]
fn each_answer_has_its_outcome() {
    let emulator = Emulator::ministack().start();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let plays_some = || loop {
        let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let Some(row) = ROWS.get(at) else { return };
        plays(&emulator, at, row);
    };
    // They wait more than they work.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(plays_some);
        }
    });
    assert!(emulator.census().counts().is_empty(), "{:?}", emulator.census());
}

/// docs/aws.md
fn page() -> String {
    let mut text = include_str!("head.md").to_owned();
    text.push_str(
        "| call | answer | what stackwright does | source |\n| --- | --- | --- | --- |\n",
    );
    for Row { call, answer, does, source, .. } in ROWS {
        let Refusal { status, code, message } = answer;
        let message = message.replace('|', "\\|").replace("NAME", "…");
        let _ = writeln!(text, "| {call} | {status} {code}: {message} | {does} | {source} |");
    }
    text + include_str!("tail.md")
}

#[test]
fn the_page_has_every_answer() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/aws.md");
    if std::env::var_os("STACKWRIGHT_WRITE_PAGES").is_some() {
        std::fs::write(path, page()).expect("written");
    }
    let kept = std::fs::read_to_string(path).expect("docs/aws.md");
    assert_eq!(kept, page(), "run `just pages`");
}
