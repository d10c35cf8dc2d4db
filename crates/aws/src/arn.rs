//! ARNs, `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`, as the file has them.

use stackwright_engine::partition::is_region;

use crate::policy_document::is_account;

/// What the ARN of some sort of object looks like.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    service: &'static str,
    /// What its last part begins with: `role/`.
    resource: &'static str,
    /// Whether the objects are in a region. Those of IAM are not.
    is_regional: bool,
    /// Whether AWS itself owns some, of the account `aws`.
    may_be_of_aws: bool,
    example: &'static str,
}

const GLOBAL: Form =
    Form { service: "iam", resource: "", is_regional: false, may_be_of_aws: false, example: "" };

pub const ROLE: Form =
    Form { resource: "role/", example: "arn:aws:iam::123456789012:role/NAME", ..GLOBAL };
pub const INSTANCE_PROFILE: Form = Form {
    resource: "instance-profile/",
    example: "arn:aws:iam::123456789012:instance-profile/NAME",
    ..GLOBAL
};
pub const POLICY: Form = Form {
    resource: "policy/",
    may_be_of_aws: true,
    example: "arn:aws:iam::123456789012:policy/NAME",
    ..GLOBAL
};
pub const LAYER_VERSION: Form = Form {
    service: "lambda",
    resource: "layer:",
    is_regional: true,
    example: "arn:aws:lambda:REGION:123456789012:layer:NAME:1",
    ..GLOBAL
};

/// Returns what is wrong with the account of an ARN, whatever it is of.
pub fn wrong_account(text: &str) -> Option<String> {
    let mut parts = text.split(':').skip(4);
    match (parts.next(), parts.next()) {
        (Some(account), Some(_)) if is_account(account) => None,
        (Some(account), Some(_)) => {
            Some(format!("an account has twelve digits, and `{account}` is none"))
        }
        _ => Some("an ARN is arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE".to_owned()),
    }
}

impl Form {
    /// Returns what follows the resource's sort in an ARN, its path and name.
    ///
    /// # Errors
    /// What is wrong, or how such an ARN looks.
    pub fn name<'a>(&self, text: &'a str) -> Result<&'a str, String> {
        let example = || format!("it looks like {}", self.example);
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, service, region, account, resource] = parts[..] else {
            return Err(example());
        };
        let name = resource.strip_prefix(self.resource).filter(|name| !name.is_empty());
        let name = name.filter(|_| service == self.service && partition.starts_with("aws"));
        let name = name.ok_or_else(example)?;
        if let Some(other) = name.chars().find(|&c| !is_of_a_name(c)) {
            return Err(format!("no name has the character {other:?}; {}", example()));
        }
        if !self.is_regional && !region.is_empty() {
            return Err(format!(
                "IAM has no regions: leave out `{region}`, as in {}",
                self.example
            ));
        }
        if self.is_regional && !is_region(region) {
            return Err(format!("`{region}` is not a region; {}", example()));
        }
        if is_account(account) || self.may_be_of_aws && account == "aws" {
            return Ok(name);
        }
        Err(format!("an account has twelve digits, and `{account}` is none; {}", example()))
    }
}

/// Tells whether a path and a name may have a character. (A layer's version follows a colon.)
fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_+=,.@-/:".contains(c)
}

/// Returns what is wrong with a resource of a policy: an ARN, of which any part but the first three may have
/// wildcards. What an object is called is up to its service: keys of S3 have blanks.
pub fn wrong_resource(text: &str) -> Option<String> {
    let form = || Some("an ARN is arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE".to_owned());
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [head @ .., resource] = &parts[..] else { return form() };
    if parts.len() < 6 {
        // `*` may stand for the parts that are missing.
        return if resource.ends_with('*') { None } else { form() };
    }
    if resource.is_empty() || parts[1].is_empty() || parts[2].is_empty() {
        return form();
    }
    let blank = head.iter().find(|part| part.contains(char::is_whitespace))?;
    Some(format!("`{blank}` has a blank"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_of_anything_has_an_account() {
        let wrong = |text: &str| wrong_account(text).unwrap_or_default();
        assert_eq!(wrong("arn:aws:iam::123456789012:root"), "");
        assert_eq!(wrong("arn:aws:sts::123456789012:assumed-role/a/b:c"), "");
        assert!(wrong("arn:aws:iam::1234:root").starts_with("an account"));
        assert!(wrong("arn:aws:iam").starts_with("an ARN is"));
    }

    #[test]
    fn a_resource_of_a_policy_has_six_parts_or_a_wildcard() {
        for right in [
            "arn:aws:s3:::bucket/a key/*",
            "arn:aws:ec2:*:*:instance/*",
            "arn:aws:logs:us-east-1:123456789012:log-group:/aws/*:log-stream:*",
            "arn:aws:s3:*",
            "arn:*",
        ] {
            assert_eq!(wrong_resource(right), None, "{right}");
        }
        for wrong in [
            "arn:aws:s3",
            "arn:aws:s3:::",
            "arn:aws:ec2:us-east-1:instance/i-1",
            "arn:",
            "arn:aws::::x",
        ] {
            assert!(
                wrong_resource(wrong).is_some_and(|hint| hint.starts_with("an ARN is")),
                "{wrong}"
            );
        }
        let blank = wrong_resource("arn:aws:ec2:us-east-1: 123456789012:instance/i-1");
        assert_eq!(blank.as_deref(), Some("` 123456789012` has a blank"));
    }

    #[test]
    fn an_arn_has_the_parts_of_its_form() {
        for (form, right, name) in [
            (ROLE, "arn:aws:iam::123456789012:role/service/web", "service/web"),
            (ROLE, "arn:aws-cn:iam::123456789012:role/web", "web"),
            (POLICY, "arn:aws:iam::aws:policy/ReadOnlyAccess", "ReadOnlyAccess"),
            (LAYER_VERSION, "arn:aws:lambda:eu-west-1:123456789012:layer:deps:3", "deps:3"),
        ] {
            assert_eq!(form.name(right), Ok(name));
        }
        for (form, wrong, hint) in [
            (ROLE, "arn:aws:iam::12345:role/web", "an account has twelve digits, and `12345`"),
            (ROLE, "arn:aws:iam::aws:role/web", "an account has twelve digits, and `aws`"),
            (ROLE, "arn:aws:iam:us-east-1:123456789012:role/web", "IAM has no regions"),
            (ROLE, "arn:aws:iam::123456789012:user/web", "it looks like arn:aws:iam::"),
            (ROLE, "arn:aws:iam::123456789012:role/", "it looks like arn:aws:iam::"),
            (POLICY, "arn:aws:iam::aws:policy/Amazon S3", "no name has the character ' '"),
            (POLICY, "arn:aws:iam::aws:policy/Amazon*", "no name has the character '*'"),
            (ROLE, "arn:aws:iam", "it looks like arn:aws:iam::"),
            (LAYER_VERSION, "arn:aws:lambda::123456789012:layer:deps:3", "`` is not a region"),
            (LAYER_VERSION, "arn:aws:lambda:eu-west-1:1:layer:deps:3", "an account has twelve"),
        ] {
            let refused = form.name(wrong).expect_err(wrong);
            assert!(refused.starts_with(hint), "{wrong}: {refused}");
        }
    }
}
