//! Problems of an instance that the file alone shows.

use std::collections::BTreeMap;

use stackwright_engine::kind::{Problem, Problems};
use stackwright_engine::reference::is_open;

use super::config::{Config, Image, ImageLookup, LOAD_THE_REST, Script, USER_DATA, UserData};
use crate::policy;

pub fn check(config: &Config) -> Vec<Problem> {
    let mut problems = Problems::default();
    for part in [image, network, user_data, volumes, profile] {
        part(config, &mut problems);
    }
    problems.0
}

fn is_id(text: &str, prefix: &str) -> bool {
    text.starts_with(prefix) || is_open(text)
}

fn not_an_id(text: &str, prefix: &str) -> String {
    format!("`{text}` is not an id of the form `{prefix}…`")
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
}

fn user_data(config: &Config, problems: &mut Problems) {
    match &config.user_data {
        Some(UserData::Short(text)) if text.len() > USER_DATA => {
            let message = "user data may have at most 16 KiB";
            problems.at(&["user_data"], message).hint(LOAD_THE_REST);
        }
        Some(UserData::Long(Script { file })) if file.as_ref().is_none_or(String::is_empty) => {
            problems.at(&["user_data"], "`user_data` needs `file`, or a text");
        }
        _ => {}
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
    let is_profile =
        |arn: &str| [":instance-profile/", ":role/", "${"].iter().any(|part| arn.contains(part));
    if let Some(arn) = config.profile.as_ref().filter(|arn| !arn.is_empty() && !is_profile(arn)) {
        let message = format!("`{arn}` is neither a role nor an instance profile");
        let hint = "write `role.KEY`, or arn:aws:iam::123456789012:instance-profile/NAME";
        problems.at(&["profile"], message).hint(hint);
    }
}

fn is_owner(text: &str) -> bool {
    policy::is_account(text)
        || ["self", "amazon", "aws-marketplace"].contains(&text)
        || is_open(text)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn config(value: Value) -> Config {
        serde_json::from_value(value).expect("a config")
    }

    #[test]
    fn wrong_ids_are_problems() {
        let right = config(json!({
            "image": "${env.AMI}", "type": "t3.micro", "security_groups": ["sg-1"],
        }));
        assert_eq!(check(&right), []);
        let wrong = config(json!({
            "image": "debian", "type": "t3.micro", "security_groups": [], "subnet": "a",
            "user_data": "x".repeat(USER_DATA + 1), "profile": "arn:aws:iam::1:policy/a",
        }));
        let paths: Vec<_> =
            check(&wrong).into_iter().map(|problem| problem.path.join(".")).collect();
        assert_eq!(paths, ["image", "subnet", "security_groups", "user_data", "profile"]);
    }

    #[test]
    fn an_image_by_name_needs_an_owner() {
        let problems = |image: Value| {
            let config = config(json!({ "image": image, "type": "t3.micro" }));
            let found = check(&config).into_iter();
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
