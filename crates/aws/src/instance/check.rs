//! Problems of an instance that the file alone shows.

use std::collections::BTreeMap;

use stackwright_engine::Address;
use stackwright_engine::kind::{CheckContext, Problem, Problems, ResourceType as _};
use stackwright_engine::reference::is_open;

use super::config::{Config, Image, ImageLookup};
use super::type_name::{self, is_type};
use super::user_data::{self, Flaw};
use crate::arn;
use crate::ec2;
use crate::id::{is_id, not_an_id};
use crate::key_pair;
use crate::policy_document;
use crate::text_file::{InFile, TextOrFile};

pub fn check(config: &Config, context: &CheckContext<'_>) -> Vec<Problem> {
    let mut problems = Problems::default();
    for part in [image, instance_type, network, volumes, profile] {
        part(config, &mut problems);
    }
    key_name(config, context, &mut problems);
    user_data(config, context, &mut problems);
    ec2::check_name_tag(context, "the instance", &mut problems);
    problems.0
}

fn instance_type(config: &Config, problems: &mut Problems) {
    let written = &config.kind;
    if is_type(written) || is_open(written) {
        return;
    }
    let hint = match type_name::meant(written) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "a type is a family and a size: `t3.micro`, `m7g.2xlarge`".to_owned(),
    };
    problems.at(&["type"], format!("`{written}` is not an instance type")).hint(hint);
}

fn image(config: &Config, problems: &mut Problems) {
    match &config.image {
        Image::Short(id) if !is_id(id, "ami-") => {
            let hint =
                "or write `{owner: …, name: …}` for the newest image of a name, or `{ssm: …}`";
            problems.at(&["image"], not_an_id(id, "ami-")).hint(hint);
        }
        Image::Long(ImageLookup { ssm, owner, name }) if !ssm.is_empty() => {
            if !(owner.is_empty() && name.is_empty()) {
                let hint = "either `owner` and `name`, or `ssm`";
                problems.at(&["image"], "`image` names two images").hint(hint);
            }
            if !(ssm.starts_with('/') || is_open(ssm)) {
                let hint = "for example /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";
                let message = format!("`{ssm}` is not the path of a parameter");
                problems.at(&["image", "ssm"], message).hint(hint);
            }
        }
        Image::Long(ImageLookup { owner, .. }) if owner.is_empty() => {
            let hint = "an account, `self`, `amazon` or `aws-marketplace`: anybody can publish an \
                        image of any name";
            problems.at(&["image"], "`image` needs `owner`").hint(hint);
        }
        Image::Long(ImageLookup { name, .. }) if name.is_empty() => {
            problems.at(&["image"], "`image` needs `name`");
        }
        Image::Long(ImageLookup { owner, .. }) if !is_owner(owner) => {
            let hint = "an account (twelve digits), `self`, `amazon` or `aws-marketplace`";
            let message = format!("`{owner}` is not an owner of images");
            problems.at(&["image", "owner"], message).hint(hint);
        }
        _ => {}
    }
}

fn network(config: &Config, problems: &mut Problems) {
    if let Some(subnet) = config.subnet.as_ref().filter(|subnet| !is_id(subnet, "subnet-")) {
        problems.at(&["subnet"], not_an_id(subnet, "subnet-"));
    }
    if config.security_groups.as_ref().is_some_and(Vec::is_empty) {
        let message = "an instance has at least one security group";
        let hint = "remove the field to use the network's default group";
        problems.at(&["security_groups"], message).hint(hint);
    }
    for (at, group) in config.security_groups.iter().flatten().enumerate() {
        // A text without the prefix has been reported.
        if group.starts_with("sg-") && !is_id(group, "sg-") {
            let at = ["security_groups", &at.to_string()];
            problems.at(&at, not_an_id(group, "sg-")).hint("write the id, not the name");
        }
    }
}

fn user_data(config: &Config, context: &CheckContext<'_>, problems: &mut Problems) {
    let known = &context.known["user_data"];
    let (at, wrong) = match &config.user_data {
        Some(TextOrFile::Short(text)) => {
            let size = known.as_str().map_or(0, str::len);
            (&["user_data"][..], user_data::check(text, size))
        }
        Some(TextOrFile::Long(InFile { file })) => {
            let written = file.as_deref().unwrap_or_default();
            if written.is_empty() {
                problems.at(&["user_data"], "`user_data` needs `file`, or a text");
                return;
            }
            let known = known["file"].as_str().unwrap_or_default();
            let path = context.files.and_then(|files| files.path(written, known));
            (&["user_data", "file"][..], path.and_then(|path| user_data::check_path(&path)))
        }
        None => return,
    };
    let Some(Flaw { severity, message, hint, .. }) = wrong else { return };
    problems.add(severity, at, message).hint(hint);
}

/// A name that is no address may be that of a pair outside the stack, or a slip of the pen: another key replaces the
/// instance.
fn key_name(config: &Config, context: &CheckContext<'_>, problems: &mut Problems) {
    let Some(written) = config.key_name.as_deref().filter(|written| !is_open(written)) else {
        return;
    };
    if written.starts_with("ssh-") || written.ends_with(".pub") {
        let hint = "make a `key_pair` of it, and write `key_name: key_pair.KEY`";
        let message = "this is a public key, and not the name of a key pair";
        return problems.at(&["key_name"], message).hint(hint);
    }
    let Some((_, key)) = written.split_once('.') else { return };
    let meant: Option<Address> = format!("{}.{key}", key_pair::KeyPair::NAME).parse().ok();
    if let Some(meant) = meant.filter(|meant| (context.siblings)(meant).is_some()) {
        let message = format!("`{written}` is not an address, and would be the name of a key pair");
        problems.at(&["key_name"], message).hint(format!("did you mean `{meant}`?"));
    }
}

fn volumes(config: &Config, problems: &mut Problems) {
    for device in config.volumes.iter().flat_map(BTreeMap::keys) {
        let is_device = device.starts_with("/dev/") || device.starts_with("xvd");
        if !is_device {
            let hint = "for example `/dev/xvda` for the first disk, `/dev/sdf` for another";
            problems.at(&["volumes", device], format!("`{device}` is not a device")).hint(hint);
        }
    }
}

fn profile(config: &Config, problems: &mut Problems) {
    let written = config.profile.as_deref().unwrap_or_default();
    // A text that is no ARN has been reported.
    if !written.starts_with("arn:") || is_open(written) {
        return;
    }
    if let Ok(name) = arn::ROLE.name(written) {
        let name = name.rsplit('/').next().unwrap_or(name);
        let message = format!("`{written}` is a role; an instance takes its instance profile");
        let hint = format!(
            "`aws iam list-instance-profiles-for-role --role-name {name}` prints its ARN, and the \
             console gives both the same name"
        );
        problems.at(&["profile"], message).hint(hint);
    } else if let Err(hint) = arn::INSTANCE_PROFILE.name(written) {
        let message = format!("`{written}` is not the ARN of an instance profile");
        problems.at(&["profile"], message).hint(format!("{hint}; or write `role.KEY`"));
    }
}

fn is_owner(text: &str) -> bool {
    policy_document::is_account(text)
        || ["self", "amazon", "aws-marketplace"].contains(&text)
        || is_open(text)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::instance::Instance;
    use crate::instance::user_data::LARGEST;
    use crate::tags::Tags;
    use crate::test_checks::{problems_of, wrong_paths};

    #[test]
    fn wrong_ids_are_problems() {
        let right = json!({
            "image": "${env.AMI}", "type": "t3.micro", "security_groups": ["sg-1"],
        });
        assert_eq!(wrong_paths::<Instance>(&right), [""; 0]);
        let wrong = json!({
            "image": "debian", "type": "t3micro", "security_groups": [], "subnet": "subnet-public",
            "user_data": "x".repeat(LARGEST + 1), "profile": "arn:aws:iam::1:policy/a",
        });
        let expected = ["image", "type", "subnet", "security_groups", "profile", "user_data"];
        assert_eq!(wrong_paths::<Instance>(&wrong), expected);
        let groups = json!({
            "image": "ami-1", "type": "t3.micro", "security_groups": ["sg-nope", "${env.GROUP}"],
        });
        assert_eq!(wrong_paths::<Instance>(&groups), ["security_groups.0"]);
    }

    #[test]
    fn the_name_is_a_tag_of_ec2() {
        let config = json!({ "image": "ami-1", "type": "t3.micro" });
        let tags: Tags = [("Name".to_owned(), "web".to_owned())].into();
        let found = problems_of::<Instance>(&"x".repeat(257), &tags, &config).into_iter();
        let paths: Vec<String> = found.map(|problem| problem.path.join(".")).collect();
        assert_eq!(paths, ["name", "tags.Name"]);
        let other = [("name".to_owned(), "#".to_owned())].into();
        assert_eq!(problems_of::<Instance>(&"ü".repeat(256), &other, &config), []);
    }

    #[test]
    fn an_image_by_name_needs_an_owner() {
        let problems = |image: Value| {
            let config = json!({ "image": image, "type": "t3.micro" });
            let found = problems_of::<Instance>("web", &Tags::new(), &config).into_iter();
            found.map(|problem| format!("{}: {}", problem.path.join("."), problem.message))
        };
        let messages_of = |image: Value| problems(image).collect::<Vec<_>>();
        assert_eq!(messages_of(json!({ "owner": "self", "name": "web-*" })), [""; 0]);
        assert_eq!(messages_of(json!({ "owner": "136693071363", "name": "debian-13-*" })), [""; 0]);
        assert_eq!(messages_of(json!({ "name": "web-*" })), ["image: `image` needs `owner`"]);
        assert_eq!(messages_of(json!({ "owner": "self" })), ["image: `image` needs `name`"]);
        let message = "image.owner: `debian` is not an owner of images";
        assert_eq!(messages_of(json!({ "owner": "debian", "name": "x" })), [message]);
        assert_eq!(messages_of(json!({ "ssm": "/aws/service/x" })), [""; 0]);
        let both = json!({ "ssm": "x", "owner": "self", "name": "y" });
        let messages =
            ["image: `image` names two images", "image.ssm: `x` is not the path of a parameter"];
        assert_eq!(messages_of(both), messages);
    }
}
