//! The diagnostics of a stack file.

use std::path::Path;

use stackwright_aws::kinds;
use stackwright_engine::manifest::{Diagnostic, Invalid, Manifest, Request, Source};

/// A stack that is in order, to be put before what is not.
const SOUND: &str = "\
stack: s
instance:
  web: {image: ami-1, type: t2.micro}
role:
  r: {trust: lambda.amazonaws.com}
function:
  f: {code: src/, runtime: python3.13, handler: m.h, role: role.r}
";

fn load(text: &str) -> Result<Manifest, Invalid> {
    // `src/` exists in the repository.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("stack.yaml");
    let env = |name: &str| (name == "HOME").then(|| "/home/me".to_owned());
    let request = Request { cloud: None, region: None, env: &env, needs_env: true, files: None };
    Manifest::load(Source::new(path, text), &request, &kinds::registry())
}

fn line(source: &Source, found: &Diagnostic) -> String {
    let place = source.place(found.span.start);
    let place = place.rsplit('/').next().unwrap_or(&place).trim_start_matches("stack.yaml:");
    let help = found.help.as_ref().map(|help| format!(" | {help}")).unwrap_or_default();
    format!("{place} {}{help}", found.message)
}

/// `text` is the whole file; `expected` is `line:column message | help` for each problem.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let found = match load(text) {
        Ok(_) => Vec::new(),
        Err(Invalid { source, diagnostics }) => {
            diagnostics.iter().map(|found| line(&source, found)).collect::<Vec<_>>()
        }
    };
    assert_eq!(found, expected, "\n{}", found.join("\n"));
}

/// As [`check`], of the sound stack with `more` behind it.
#[track_caller]
fn check_more(more: &str, expected: &[&str]) {
    check(&format!("{SOUND}{more}"), expected);
}

#[test]
fn a_valid_stack_has_no_problem() {
    check(SOUND, &[]);
}

#[test]
fn unknown_keys_are_reported_with_place_and_suggestion() {
    check_more("outptu: {a: b}\n", &["8:1 unknown key `outptu` | did you mean `output`?"]);
    check(
        &SOUND.replace("instance:", "instanse:"),
        &["2:1 unknown key `instanse` | did you mean `instance`?"],
    );
    check(
        &SOUND.replace("type:", "typ:"),
        &["3:23 unknown key `typ` in `web` | did you mean `type`?"],
    );
    check_more(
        "check:\n  c: {call: GET http://x, expct: {status: 200}}\n",
        &["9:27 unknown key `expct` in `c` | did you mean `expect`?"],
    );
}

#[test]
fn values_of_the_wrong_type_are_reported() {
    check(&SOUND.replace("type: t2.micro", "type: t2.micro, key_name: 3"), &[]);
    check(
        &SOUND.replace("type: t2.micro", "type: {a: b}"),
        &["3:29 `type` must be a string, not a map"],
    );
    check(
        &SOUND.replace("role: role.r}", "role: role.r, timeout: soon}"),
        &["7:77 `timeout` must be a number of seconds, or `30s`, `2m`, `1h`, not `soon`"],
    );
    check(
        &SOUND.replace("role: role.r}", "role: role.r, logs: perhaps}"),
        &["7:74 `logs` must be true or false, not a string"],
    );
    for (written, meant) in [("yes", true), ("Off", false), ("0", false)] {
        let text = SOUND.replace("role: role.r}", &format!("role: role.r, logs: {written}}}"));
        let found = load(&text).expect_err("no boolean").diagnostics.remove(0);
        assert_eq!(found.help, Some(format!("did you mean `{meant}`?")), "{written}");
    }
    check(
        &SOUND.replace("role: role.r}", "role: role.r, timeout: 901}"),
        &["7:77 `timeout` must be between 1 and 900, not 901"],
    );
    check(
        &SOUND.replace("type: t2.micro", "type: t2.micro, power: [a], metadata: 5, user_data: [1]"),
        &[
            "3:46 `power` must be one of external, running, stopped, not a list",
            "3:61 `metadata` must be a map, not 5 | write a map with these keys: `hop_limit`, `tokens`",
            "3:75 `user_data` must be a string or a map, not a list",
        ],
    );
    check(&SOUND.replace("code: src/", "code: {exclude: [a]}"), &["7:7 `code` needs `path`"]);
    check("stack: s\ninstance: [a]\n", &["2:11 `instance` must be a map, not a list"]);
    check(
        "stack: s\ninstance: {web: }\n",
        &["2:12 `web` needs `image`", "2:12 `web` needs `type`"],
    );
    check("- a\n- b\n", &["1:1 a stack file must be a map, not a list"]);
    check(
        "stack: 1st stack\n",
        &[
            "1:8 `1st stack` is not a valid stack name: use a letter, then letters, digits, `-` and `_`, at most 63",
        ],
    );
    check("instance: {}\n", &["1:1 the file needs `stack: NAME`"]);
}

#[test]
fn a_wrong_entry_hides_no_other() {
    let resources = "write the ARN, `${kind.key.arn}` for one of this stack, or `\"*\"`";
    let allow =
        "{trust: '*', allow: [{actions: s3}, 5, {resources: b}, {actions: 's3:*', resources: c}]}";
    check(
        &format!("stack: s\nrole:\n  r: {allow}\n"),
        &[
            "3:27 `an entry of allow` needs `resources`",
            "3:28 `s3` is not an action | an action names its service: `s3:GetObject`, `s3:*`",
            "3:42 `allow[1]` must be a map, not 5 | write a map with these keys: `actions`, `conditions`, `effect`, `resources`",
            "3:45 `an entry of allow` needs `actions`",
            &format!("3:46 `b` is not an ARN | {resources}"),
            &format!("3:79 `c` is not an ARN | {resources}"),
        ],
    );
    let effect = "`effect` must be one of Allow, Deny, not `allow` | did you mean `Allow`?";
    check(
        "stack: s\nrole:\n  r: {trust: '*', allow: [{actions: s3, resources: '*', effect: allow}]}\n",
        &[
            "3:28 `s3` is not an action | an action names its service: `s3:GetObject`, `s3:*`",
            &format!("3:65 {effect}"),
        ],
    );
    let unset = "`env.NO` is not set in the environment | set it, or write ${env.NO:-default}";
    let name = "`1` cannot be the name of an environment variable | two or more of A-Z, a-z, 0-9 and _, a letter first";
    check(
        &SOUND.replace("role: role.r}", "role: role.r, environment: {1: '${env.NO}'}}"),
        &[&format!("7:82 {name}"), &format!("7:86 {unset}")],
    );
    // A missing name of the stack and a wrong check hide neither outputs nor other checks.
    check(
        "output: {'a b': c}\ncheck:\n  one: {body: a}\n  two: {call: GET}\n  three: 5\n",
        &[
            "1:1 the file needs `stack: NAME`",
            "1:10 `a b` is not a valid output name | use a letter, then letters, digits, `-` and `_`; \
             dots may separate several such names",
            "3:3 `one` needs `call`",
            "4:9 `call` must be a method and a URL: `POST ${api.NAME.url}/path`",
            "5:10 `three` must be a map, not 5 | write a map with these keys: `body`, `call`, `expect`, `headers`",
        ],
    );
}

#[test]
fn empty_files_are_reported() {
    check("", &["1:1 the file is empty; it needs `stack: NAME`"]);
    check("# only a comment\n", &["2:1 the file is empty; it needs `stack: NAME`"]);
    check("---\n", &["1:4 the file is empty; it needs `stack: NAME`"]);
}

#[test]
fn duplicate_keys_are_reported() {
    check_more("stack: t\n", &["8:1 duplicate key `stack`, first on line 1"]);
    check(
        &SOUND.replace("type: t2.micro", "type: t2.micro, type: t3.micro"),
        &["3:39 duplicate key `type`, first on line 3"],
    );
    check_more(
        "role:\n  q: {trust: ec2.amazonaws.com}\n",
        &["8:1 duplicate key `role`, first on line 4"],
    );
}

#[test]
fn a_role_that_does_not_trust_its_user_is_reported() {
    let web = |profile: &str, trust: &str| {
        let more = format!("type: t2.micro, profile: '{profile}'");
        let with = SOUND.replace("type: t2.micro", &more);
        with.replace("role:\n", &format!("role:\n  m: {{trust: {trust}}}\n"))
    };
    let lambda = "lambda.amazonaws.com";
    let problem = "3:39 `role.m` does not trust ec2.amazonaws.com | \
                   add ec2.amazonaws.com to the role's trust";
    for profile in ["role.m", "${role.m.arn}", "${role.m.name}"] {
        check(&web(profile, lambda), &[problem]);
        check(&web(profile, "ec2.amazonaws.com"), &[]);
    }
    let document = |principal: &str| {
        let condition = "Condition: {StringEquals: {a: '${aws.account}'}}";
        format!(
            "{{Statement: {{Effect: Allow, Principal: {principal}, Action: 'sts:AssumeRole', {condition}}}}}"
        )
    };
    for trust in [
        "'*'",
        &document("{Service: lambda.amazonaws.com}"),
        "[lambda.amazonaws.com, 'arn:aws:iam::${aws.account}:root']",
    ] {
        check(&web("role.m", trust), &[problem]);
    }
    // References may mean it, and a role that is not in the file may be anything.
    for trust in [
        "[lambda.amazonaws.com, ec2.amazonaws.com]",
        "'${env.HOME}'",
        &document("{Service: [lambda.amazonaws.com, ec2.amazonaws.com]}"),
        &document("{Service: '${env.HOME}.amazonaws.com'}"),
    ] {
        check(&web("role.m", trust), &[]);
    }
    check(&web("arn:aws:iam::123456789012:instance-profile/m", lambda), &[]);
    // A problem of the trust itself is reported once.
    let service = "5:7 `ec2` is not a service, an account or an ARN | \
                   write for example `lambda.amazonaws.com` or twelve digits";
    check(&web("role.m", "ec2"), &[service]);

    let function = "7:54 `role.r` does not trust lambda.amazonaws.com | \
                    add lambda.amazonaws.com to the role's trust";
    let trusting =
        |who: &str| SOUND.replace("trust: lambda.amazonaws.com", &format!("trust: {who}"));
    check(&trusting("ec2.amazonaws.com"), &[function]);
    for who in ["'*'", "lambda.amazonaws.com.cn", "'${env.HOME}'", &document("'*'")] {
        check(&trusting(who), &[]);
    }
    // Of another cloud as well.
    let cloud = "clouds: {aws: {account: '123456789012', role: {r: {trust: ec2.amazonaws.com}}}}\n";
    let of_overlay = function.replace(" | ", " (only for the cloud `aws`) | ");
    check_more(cloud, &[&of_overlay]);
}

#[test]
fn dangling_references_are_reported() {
    let refer = |text: &str| {
        SOUND.replace("role: role.r}", &format!("role: role.r, environment: {{AB: '{text}'}}}}"))
    };
    check(
        &refer("${instance.wbe.id}"),
        &["7:87 there is no `instance.wbe` in this stack | did you mean `instance.web`?"],
    );
    check(
        &refer("${instance.web.idd}"),
        &[
            "7:87 `instance.web` has no output `idd` | did you mean `id`? the outputs of `instance` are id, arn",
        ],
    );
    check(
        &refer("${instans.web.id}"),
        &["7:87 there is no `instans.web` in this stack | did you mean `instance.web`?"],
    );
    check(
        &refer("${env.HOEM}"),
        &["7:87 `env.HOEM` is not set in the environment | set it, or write ${env.HOEM:-default}"],
    );
    check(&refer("${env.HOEM:-default}"), &[]);
    check(&refer("${env.HOME}"), &[]);
    check(
        &refer("${aws.regoin}"),
        &[
            "7:87 `aws.regoin` is not a reference | use ${aws.account}, ${aws.region} or ${aws.partition}",
        ],
    );
    check(
        &refer("${instance.web.id"),
        &["7:87 `${` has no closing `}` | write `$${` for a literal `${`"],
    );
    check(&refer("$${not.a.reference}"), &[]);
    check(
        &refer("${}"),
        &[
            "7:87 `` is not a reference | a reference is ${kind.key.output}, for example ${instance.web.id}; write `$${` for a literal `${`",
        ],
    );
    check(
        &SOUND.replace("role: role.r}", "role: role.q}"),
        &["7:60 there is no `role.q` in this stack | did you mean `role.r`?"],
    );
    check(
        &SOUND.replace("role: role.r}", "role: instance.web}"),
        &["7:60 `instance.web` is neither `role.KEY` nor an ARN"],
    );
    check_more(
        "output: {a: '${function.g.arn}'}\n",
        &["8:14 there is no `function.g` in this stack | did you mean `function.f`?"],
    );
}

#[test]
fn an_output_without_its_braces_is_a_mistake() {
    let refer = |text: &str| {
        SOUND.replace("role: role.r}", &format!("role: role.r, environment: {{AB: '{text}'}}}}"))
    };
    check(
        &refer("instance.web.id"),
        &[
            "7:86 `instance.web.id` is a plain string here, not a reference | write `${instance.web.id}`",
        ],
    );
    check(
        &SOUND.replace("role: role.r}", "role: role.r.arn}"),
        &["7:60 `role.r.arn` is a plain string here, not a reference | write `role.r`"],
    );
    check_more("output: {a: [function.f.arn]}\n", &["8:13 `a` must be a string, not a list"]);
    check_more(
        "output: {a: function.f.arn}\n",
        &[
            "8:13 `function.f.arn` is a plain string here, not a reference | write `${function.f.arn}`",
        ],
    );
    // Other texts with dots are texts.
    for text in
        ["instance.wbe.id", "instance.web.idd", "see instance.web.id", "instance.web", "a.b.c"]
    {
        check(&refer(text), &[]);
    }
}

#[test]
fn a_reference_to_something_else_than_the_field_means_is_reported() {
    let role = |text: &str| SOUND.replace("role: role.r}", &format!("role: '{text}'}}"));
    check(&role("${role.r.arn}"), &[]);
    check(
        &role("${role.r.name}"),
        &["7:60 `${role.r.name}` is the name; this needs the arn | write `role.r`"],
    );
    check(
        &role("${instance.web.id}"),
        &["7:60 `${instance.web.id}` refers to `instance.web`, which is no role | write `role.r`"],
    );
    let profile = |text: &str| {
        let with = format!("type: t2.micro, profile: '{text}'");
        SOUND
            .replace("type: t2.micro", &with)
            .replace("lambda.amazonaws.com", "[lambda.amazonaws.com, ec2.amazonaws.com]")
    };
    for text in ["role.r", "${role.r.arn}", "${role.r.name}"] {
        check(&profile(text), &[]);
    }
}

#[test]
fn a_wrong_item_of_a_list_hides_no_other() {
    check(
        "stack: s\nsecurity_group: {a: {ingress: ssh}}\n",
        &[
            "2:31 `ingress` must be a list, not a string | for example `[tcp 22 from 203.0.113.0/24]`",
        ],
    );
    check(
        "stack: s\nsecurity_group:\n  a:\n    ingress:\n      - {from: anywhere, port: 22}\n      \
         - tpc 22 from anywhere\n      - []\n      - -1 from anywhere\n",
        &[
            "5:9 `ingress[0]` must be a string, not a map | for example `tcp 22 from 203.0.113.0/24`",
            "6:9 `tpc 22` is no protocol that a rule can name | did you mean `tcp 22`?",
            "7:9 `ingress[2]` must be a string, not a list | for example `tcp 22 from 203.0.113.0/24`",
            "8:9 `-1` is no protocol that a rule can name | did you mean `all`?",
        ],
    );
    check_more(
        "clouds: {local: {role: {r: {depends_on: [[], role.q], ignore: [[], descritpion, x]}}}}\n",
        &[
            "8:29 there is no `role.q` in this stack | did you mean `role.r`?",
            "8:42 `depends_on[0]` must be a string, not a list",
            "8:64 `ignore[0]` must be a string, not a list",
            "8:68 `descritpion` is no field of `role` | did you mean `description`?",
            "8:81 `x` is no field of `role` | `role` has allow, description, managed_policies, \
             managed_policies_exclusive, max_session, path, permissions_boundary, policies, tags",
        ],
    );
}

#[test]
fn a_variable_that_must_be_set_needs_no_operator() {
    for text in ["${env.HOME:?e}", "${env.HOME?}", "${env.HOME:?not set}"] {
        let found = load(&format!("stack: s\noutput: {{a: '{text}'}}\n")).expect_err("a problem");
        let help = found.diagnostics[0].help.as_deref();
        let expected = "write `${env.NAME}` alone: a variable that is not set is an error anyway";
        assert_eq!(help, Some(expected), "{text}");
    }
}

#[test]
fn a_tag_of_the_stack_is_reported_where_it_is_written() {
    let tags = "tags: {'a#': b, Team: x}\nrole:\n  r: {trust: '*', tags: {team: y}}\n  q: {trust: '*'}\n\
                instance:\n  w: {image: ami-1, type: t3.micro, tags: {'b#': c}}\n";
    check(
        &format!("stack: s\n{tags}"),
        &[
            "2:8 the key of the tag `a#` has the character '#' | letters, digits, spaces and _.:/=+-@",
            "4:26 IAM takes the tags `Team` and `team` for one | remove one of them",
        ],
    );
}

#[test]
fn an_environment_is_measured_with_its_secrets() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("stack.yaml");
    let text = SOUND.replace(
        "role: role.r}",
        "role: role.r, environment: {AB: '${env.LONG}', CD: '${instance.web.id}'}}",
    );
    let load = |size: usize| {
        let env = move |name: &str| (name == "LONG").then(|| "s3cret".repeat(size));
        let request =
            Request { cloud: None, region: None, env: &env, needs_env: true, files: None };
        Manifest::load(Source::new(path.clone(), text.clone()), &request, &kinds::registry())
    };
    assert!(load(600).is_ok());
    let found = load(700).expect_err("more than 4 KB").diagnostics.remove(0);
    let message = "`environment` has 4217 bytes as JSON, values from your environment included; \
                   Lambda accepts 4096";
    assert_eq!(found.message, message);
}

#[test]
fn a_name_is_checked_with_its_facts_filled_in() {
    let name = |name: &str| format!("stack: s\nrole:\n  r: {{trust: '*', name: '{name}'}}\n");
    check(&name("web-${aws.account}-${aws.region}-${stack.name}"), &[]);
    check(
        &name("a b ${aws.region}"),
        &["3:19 `a b us-east-1` is not the name of a role | 1 to 64 letters, digits and _+=,.@-"],
    );
    check(
        "stack: s\nrole:\n  web: {trust: '*'}\n  b: {trust: '*', name: Web}\n",
        &["3:3 duplicate name `web`, first used by the role on line 4 | give one of them another \
             `name:`; AWS ignores the case of these"],
    );
    let long = format!("{}${{aws.account}}", "x".repeat(53));
    assert!(load(&name(&long)).is_err());
}

#[test]
fn what_may_be_right_is_a_warning() {
    let text = SOUND.replace("runtime: python3.13", "runtime: python3.99");
    let found = load(&text).unwrap_or_else(|invalid| panic!("{:?}", invalid.diagnostics));
    let lines: Vec<String> = found.warnings.iter().map(|it| line(&found.source, it)).collect();
    let expected = "7:19 `python3.99` is newer than this version of stackwright | \
                    Lambda decides whether there is such a runtime";
    assert_eq!(lines, [expected]);
    let region = load("stack: s\nregion: xx-east-1\n").expect("valid").warnings.remove(0);
    assert_eq!(region.message, "`xx-east-1` is in no partition of AWS that this version knows");
    check(
        "stack: s\nregion: us-esat-1\n",
        &[
            "2:9 `us-esat-1` is not written like a region, such as `us-east-1` | did you mean `us-east-1`?",
        ],
    );
}

#[test]
fn a_command_takes_no_reference() {
    let with = |build: &str| {
        SOUND.replace("code: src/", &format!("code: {{path: src/, build: '{build}'}}"))
    };
    check(&with("cp $HOME/$${X} ."), &[]);
    check(
        &with("a ${env.HOME} ${env.NO:-b} ${role.r.arn}"),
        &[
            "7:36 `${env.HOME}` cannot be used here | the command has your environment: write `$NAME`",
            "7:48 `${env.NO}` cannot be used here | the command has your environment: write `$NAME`",
            "7:61 `${role.r.arn}` cannot be used here | the command has your environment: write `$NAME`",
        ],
    );
    check(
        &with("cp ${X} ."),
        &["7:37 `X` is not a reference | a reference is ${kind.key.output}, for example \
             ${instance.web.id}; write `$${` for a literal `${`"],
    );
    check(
        &with(" "),
        &[
            "7:26 `build` is empty | write the command, for example `npm run build`, or remove the field",
        ],
    );
}

#[test]
fn dependency_cycles_are_named_in_full() {
    check(
        "stack: s\nrole:\n  a: {trust: ec2.amazonaws.com, description: '${role.b.arn}'}\n  \
         b: {trust: ec2.amazonaws.com, description: '${role.c.arn}'}\n  \
         c: {trust: ec2.amazonaws.com, depends_on: [role.a]}\n",
        &["3:33 dependency cycle: role.a -> role.b -> role.c -> role.a | remove one of these \
             references, or move what both sides need into a third resource"],
    );
    check(
        "stack: s\nrole:\n  a: {trust: ec2.amazonaws.com, description: '${role.a.arn}'}\n",
        &["3:33 dependency cycle: role.a -> role.a | remove one of these references, or move \
             what both sides need into a third resource"],
    );
}

#[test]
fn names_of_other_tools_are_understood() {
    check(
        "stack: s\ninstance:\n  w: {ami: a, instance_type: t}\n\
         role:\n  r: {assume_role_policy: x, role_name: y}\n",
        &[
            "3:7 unknown key `ami` in `w` | did you mean `image`?",
            "3:15 unknown key `instance_type` in `w` | did you mean `type`?",
            "5:7 unknown key `assume_role_policy` in `r` | did you mean `trust`?",
            "5:30 unknown key `role_name` in `r` | did you mean `name`?",
        ],
    );
}

#[test]
fn a_problem_of_the_file_is_reported_once_for_all_clouds() {
    check(
        "stack: s\nsecurity_group:\n  a: {ingress: [[]]}\n  b: {}\n\
         clouds:\n  local: {security_group: {b: {vpc: 1.5}}}\n  aws: {stack: t}\n",
        &[
            "3:17 `ingress[0]` must be a string, not a list | for example `tcp 22 from 203.0.113.0/24`",
            "6:32 `1.5` is not an id of the form `vpc-…` | write the id, not the name",
        ],
    );
}

#[test]
fn impossible_routes_are_reported() {
    let routes =
        |routes: &str| format!("api:\n  a: {{authorization: none, routes: {{{routes}}}}}\n");
    check_more(
        &routes("GET /a: function.g"),
        &["9:45 there is no `function.g` in this stack | did you mean `function.f`?"],
    );
    check_more(
        &routes("GET /a: instance.web"),
        &["9:45 `instance.web` is neither `function.KEY` nor an ARN"],
    );
    check_more(
        &routes("GET a: function.f"),
        &["9:37 the path `a` does not start with `/` | write `/…`"],
    );
    check_more(
        &routes("FETCH /a: function.f"),
        &[
            "9:37 `FETCH` is not a method of a route | one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS, ANY",
        ],
    );
    check_more(
        &routes("'GET /{id}': function.f, 'GET /{name}/b': function.f"),
        &[
            "9:62 `{name}` and `{id}` (in `GET /{id}`) are two variables under `/` | API Gateway accepts one; name both `{id}`",
        ],
    );
    check_more(
        &routes("'GET /{proxy+}/b': function.f"),
        &["9:37 `/{proxy+}/b`: `{proxy+}` matches all that follows it | it must be the last part"],
    );
    check_more(&routes("'ANY /{proxy+}': function.f, 'GET /b/{id}': function.f"), &[]);
}

#[test]
fn problems_in_the_clouds_section_have_their_own_place() {
    check_more(
        "cloud: moon\n",
        &["8:8 `cloud` must be `local`, `aws` or `http://host:port`, not `moon`"],
    );
    check_more(
        "clouds: {aws: {account: '1'}}\n",
        &["8:25 `account` must have twelve digits, `1` does not"],
    );
    check_more(
        "clouds: {local: {instance: {web: {typ: t3.micro}}}}\n",
        &["8:35 unknown key `typ` in `web` | did you mean `type`?"],
    );
    check_more("clouds: {local: {instance: {web: {type: t3.micro}}}}\n", &[]);
    check_more(
        "clouds: {asw: {region: eu-west-1}}\n",
        &[
            "8:10 `cloud` must be `local`, `aws` or `http://host:port`, not `asw` | did you mean `aws`?",
        ],
    );
}

#[test]
fn only_the_chosen_cloud_needs_its_variables() {
    let over = "{instance: {web: {type: '${env.KIND}'}}, role: {r: {max_session: '${env.T}'}}}";
    check_more(&format!("clouds: {{'http://localhost:1': {over}}}\n"), &[]);
    let unset = "is not set in the environment | set it, or write";
    check_more(
        &format!("clouds: {{local: {over}}}\n"),
        &[
            &format!("8:42 `env.KIND` {unset} ${{env.KIND:-default}}"),
            &format!("8:83 `env.T` {unset} ${{env.T:-default}}"),
        ],
    );
}

#[test]
fn values_that_aws_refuses_are_reported() {
    check("stack:\n", &["1:1 the file needs `stack: NAME`"]);
    check(
        "stack: s\nrole:\n  r:\n    trust: lambda.amazonaws.com\n    allow:\n      - {actions: s3}\n",
        &[
            "6:9 `an entry of allow` needs `resources`",
            "6:10 `s3` is not an action | an action names its service: `s3:GetObject`, `s3:*`",
        ],
    );
    check(
        "stack: s\nrole:\n  r:\n    trust: lambda.amazonaws.com\n    allow:\n      - {actions: s3, resources: []}\n",
        &[
            "6:10 `s3` is not an action | an action names its service: `s3:GetObject`, `s3:*`",
            "6:23 `resources` is empty | name at least one",
        ],
    );
    check(
        "stack: s\nrole:\n  r:\n    trust: lambda.amazonaws.com\n    allow:\n      -\n      - {actions: '*', resources: '*'}\n",
        &["6:8 `an entry of allow` needs `actions`", "6:8 `an entry of allow` needs `resources`"],
    );
    check_more(
        "region: mars\ntags: {'aws:x': y}\noutput: {a b: c, a-b: d, a_b: e}\n",
        &[
            "8:9 `mars` is not written like a region, such as `us-east-1`",
            "9:8 tags starting with `stackwright:` or `aws:` are reserved",
            "10:10 `a b` is not a valid output name | use a letter, then letters, digits, `-` and `_`; dots may separate several such names",
            "10:26 `a-b` and `a_b` would both be the shell variable `A_B`",
        ],
    );
    check_more(
        "check: {x: {call: GET /foo}}\n",
        &["8:13 `call` must be a method and a URL: `POST ${api.NAME.url}/path`"],
    );
    check(
        "stack: s\nfunction:\n  ok: {code: src/, runtime: nodejs22.x, handler: ./dist/index.handler, role: 'arn:aws:iam::123456789012:role/x'}\n  f: {code: src/, runtime: cobol, handler: h, role: 'arn:aws:iam::123456789012:role/x'}\n  g: {code: src/, runtime: python3.13, handler: h, role: 'arn:aws:iam::123456789012:role/x'}\n",
        &[
            "4:19 Lambda has no runtime `cobol` | for example `python3.13` or `nodejs22.x`",
            "5:40 `h` is not `FILE.FUNCTION` | for example `lambda_function.lambda_handler`",
        ],
    );
}

#[test]
fn unreadable_yaml_is_the_only_problem_reported() {
    check(
        "stack: a\n---\nstack: b\n",
        &["2:1 not valid YAML: a stack file is one document | remove the line `---`"],
    );
    check(
        "stack: s\ninstance:\n  web: {image: a\n  b: }\n",
        &["3:8 not valid YAML: unclosed `{` | close it with `}`, or put `,` between its entries"],
    );
    check(
        "stack: s\n\tinstance: {}\n",
        &[
            "2:1 not valid YAML: the line is indented with a tab | YAML forbids tabs for indentation: use spaces",
        ],
    );
    check("stack: 'open\n", &["1:8 not valid YAML: unclosed quote | close it with '"]);
    check(
        "a: *b\n",
        &[
            "1:4 not valid YAML: there is no anchor `b` | write `&b` before the value that it stands for; or, for a string, \"*b\"",
        ],
    );
}

#[test]
fn columns_count_characters() {
    check(
        "stack: s\nrole:\n  r: {trust: lambda.amazonaws.com, tags: {abc: 'é漢字'}, tpye: a}\n",
        &[
            "3:56 unknown key `tpye` in `r` | known keys: allow, depends_on, description, ignore, managed_policies, managed_policies_exclusive, max_session, name, path, permissions_boundary, policies, protect, renamed_from, retain, tags, tags_exclusive, trust",
        ],
    );
    check(
        "stack: s\r\nrole:\r\n  r: {trust: lambda.amazonaws.com,\r\n     tpye: a}\r\n",
        &[
            "4:6 unknown key `tpye` in `r` | known keys: allow, depends_on, description, ignore, managed_policies, managed_policies_exclusive, max_session, name, path, permissions_boundary, policies, protect, renamed_from, retain, tags, tags_exclusive, trust",
        ],
    );
}

#[test]
fn one_mistake_hides_no_other() {
    check(
        "stack: s\ninstance:\n  web: {image: foo, typ: t2.micro}\nrole:\n  r:\n    trust: lambda.amazonaws.com\n    allow:\n      - {actions: s3, resources: '${instance.wob.arn}'}\nfunction:\n  f: {code: ., runtime: python3.13, handler: h, role: role.q}\ncheck: {c: {call: 'FETCH ${api.x.url}'}}\n",
        &[
            "3:9 `foo` is not an id of the form `ami-…` | or write `{owner: …, name: …}` for the newest image of a name, or `{ssm: …}`",
            "3:21 unknown key `typ` in `web` | did you mean `type`?",
            "8:10 `s3` is not an action | an action names its service: `s3:GetObject`, `s3:*`",
            "8:35 there is no `instance.wob` in this stack | did you mean `instance.web`?",
            "10:37 `h` is not `FILE.FUNCTION` | for example `lambda_function.lambda_handler`",
            "10:55 there is no `role.q` in this stack | did you mean `role.r`?",
            "11:13 `call` must be a method and a URL: `POST ${api.NAME.url}/path`",
            "11:26 there is no `api.x` in this stack | add it to the file: `api:` with the key `x`",
        ],
    );
}

#[test]
fn all_problems_are_reported_at_once() {
    check(
        "stack: s\nrole:\n  r: {tust: a}\ninstance:\n  w: {image: 1, type: []}\noutput: {a: '${x.y}'}\nx: 1\n",
        &[
            "3:7 unknown key `tust` in `r` | did you mean `trust`?",
            "5:7 `1` is not an id of the form `ami-…` | or write `{owner: …, name: …}` for the newest image of a name, or `{ssm: …}`",
            "5:23 `type` must be a string, not a list",
            "6:14 `x.y` is not a reference | a reference is ${kind.key.output}, for example ${instance.web.id}; write `$${` for a literal `${`",
            "7:1 unknown key `x` | known keys: account, address, api, check, cloud, clouds, function, instance, key_pair, output, policy, region, role, security_group, stack, tags",
        ],
    );
}

#[test]
fn every_way_to_write_an_amount_is_accepted() {
    let config = |timeout: &str, memory: &str| {
        let text = SOUND.replace(
            "role: role.r}",
            &format!("role: role.r, timeout: {timeout}, memory: {memory}}}"),
        );
        let manifest = load(&text).unwrap_or_else(|invalid| panic!("{:?}", invalid.diagnostics));
        let function = manifest.resources.values().find(|r| r.address.kind() == "function");
        let config = &function.expect("there is one").config;
        (config["timeout"].as_i64(), config["memory"].as_i64())
    };
    for (timeout, memory) in
        [("120", "1024"), ("\"120\"", "\"1024\""), ("120s", "1024MB"), ("2m", "1GB")]
    {
        assert_eq!(config(timeout, memory), (Some(120), Some(1024)), "{timeout}, {memory}");
    }
    let long = SOUND.replace("role: role.r}", "role: role.r, timeout: 16m}");
    check(&long, &["7:77 `timeout` must be between 1 and 900, not 960"]);
}

#[test]
fn a_number_that_json_cannot_hold_is_reported() {
    let body =
        |number: &str| format!("check: {{c: {{call: GET http://x, body: {{a: {number}}}}}}}\n");
    for number in
        ["18446744073709551615", "-9223372036854775808", "1.10", "1e30", "'18446744073709551616'"]
    {
        check_more(&body(number), &[]);
    }
    for number in ["18446744073709551616", "-9223372036854775809"] {
        let expected = format!(
            "8:43 the number {number} is too large to be sent exactly | write it as text: \"{number}\""
        );
        check_more(&body(number), &[&expected]);
    }
}

#[test]
fn an_override_of_a_resource_that_the_file_does_not_have_names_the_one_that_is_meant() {
    let overridden = "clouds: {aws: {account: '123456789012', instance: {web: {image: ami-2}}}}\n";
    let renamed = SOUND.replace("  web:", "  webserver:");
    let unmatched =
        "8:52 the cloud `aws` overrides `instance.web`, which the file does not have (any more)";
    let whole = "A resource of its own, for this cloud alone, needs `type`";
    check(&format!("{SOUND}{overridden}"), &[]);
    check(
        &format!("{renamed}{overridden}"),
        &[&format!(
            "{unmatched} | did you mean `instance.webserver`, the only instance of the file? {whole}"
        )],
    );
    let two = |one: &str, other: &str| {
        let instance = "image: ami-1, type: t2.micro";
        format!(
            "stack: s\ninstance: {{{one}: {{{instance}}}, {other}: {{{instance}}}}}\n\n\n\n\n\n{overridden}"
        )
    };
    check(&two("wb", "queue"), &[&format!("{unmatched} | did you mean `instance.wb`? {whole}")]);
    check(&two("store", "queue"), &[&format!("{unmatched} | {whole}")]);
    let entire = overridden.replace("ami-2", "ami-2, type: t3.micro");
    check(&format!("{renamed}{entire}"), &[]);
}

#[test]
fn a_value_that_is_no_list_or_no_map_is_shown_as_one() {
    check(
        &SOUND.replace("role: role.r}", "role: role.r, depends_on: instance.web, vpc: vpc-1}"),
        &[
            "7:80 `depends_on` must be a list, not a string | write `[instance.web]`",
            "7:99 `vpc` must be a map, not a string | write a map with these keys: `security_groups`, `subnets`",
        ],
    );
}
