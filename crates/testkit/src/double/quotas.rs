//! AWS's quotas for calls of one account and region, as token buckets: calls beyond them are refused.
//!
//! Sources: "Amazon API Gateway quotas", "Lambda quotas", "Request throttling for the Amazon EC2 API", "CloudWatch
//! Logs quotas", "AWS Systems Manager endpoints and quotas" and "IAM and AWS STS quotas". IAM does not say what it
//! allows.

use std::collections::BTreeMap;
use std::time::Duration;

use self::Operations::{But, EachRead, EachWrite, Of};
use crate::request::Operation;

/// A quota of a service: so many calls at once, then one each `every` milliseconds.
#[derive(Clone, Copy)]
struct Quota {
    service: &'static str,
    operations: Operations,
    burst: u32,
    every: u64,
}

/// The operations that a quota is for.
#[derive(Clone, Copy)]
enum Operations {
    /// These together.
    Of(&'static [&'static str]),
    /// All but these together.
    But(&'static [&'static str]),
    /// Each that reads and has no quota of its own, by itself.
    EachRead,
    /// Each that writes and has no quota of its own, by itself.
    EachWrite,
}

impl Quota {
    const fn new(service: &'static str, operations: Operations, burst: u32, every: u64) -> Self {
        Self { service, operations, burst, every }
    }

    fn covers(&self, service: &str, operation: &str) -> bool {
        let is_covered = match self.operations {
            Operations::Of(all) => all.contains(&operation),
            Operations::But(all) => !all.contains(&operation),
            Operations::EachRead => reads(operation) && !has_its_own(service, operation),
            Operations::EachWrite => !reads(operation) && !has_its_own(service, operation),
        };
        service == self.service && is_covered
    }

    /// The operation, if each has a bucket of its own.
    fn bucket(&self, operation: &str) -> String {
        match self.operations {
            Operations::Of(_) | Operations::But(_) => String::new(),
            Operations::EachRead | Operations::EachWrite => operation.to_owned(),
        }
    }

    /// How long so many calls take at least.
    fn least(&self, calls: u64) -> Duration {
        Duration::from_millis(calls.saturating_sub(u64::from(self.burst)) * self.every)
    }
}

/// What a list without filters and pages is called here.
pub const UNFILTERED: &str = "unfiltered";

fn reads(operation: &str) -> bool {
    operation.starts_with("Describe")
        || operation.starts_with("Get")
        || operation.starts_with("List")
}

fn has_its_own(service: &str, operation: &str) -> bool {
    let mut quotas = QUOTAS.iter().filter(|quota| quota.service == service);
    quotas.any(|quota| matches!(quota.operations, Operations::Of(all) if all.contains(&operation)))
}

const QUOTAS: [Quota; 38] = [
    Quota::new("apigateway", Of(&["CreateRestApi"]), 1, 3_000),
    Quota::new("apigateway", Of(&["DeleteRestApi"]), 1, 30_000),
    Quota::new("apigateway", Of(&["CreateDeployment"]), 1, 5_000),
    Quota::new("apigateway", Of(&["PutRestApi"]), 1, 1_000),
    Quota::new("apigateway", Of(&["CreateResource"]), 5, 200),
    Quota::new("apigateway", Of(&["DeleteResource"]), 5, 200),
    Quota::new("apigateway", Of(&["GetResources"]), 5, 400),
    Quota::new("apigateway", But(&[]), 40, 100),
    Quota::new("lambda", Of(&["GetFunction"]), 100, 10),
    Quota::new("lambda", Of(&["GetPolicy"]), 15, 67),
    Quota::new("lambda", But(&["GetFunction", "GetPolicy", "Invoke"]), 15, 67),
    // By requests.
    Quota::new("ec2", Of(&["RunInstances"]), 5, 500),
    Quota::new("ec2", Of(&["StartInstances"]), 5, 500),
    Quota::new("ec2", Of(&["TerminateInstances"]), 100, 200),
    Quota::new("ec2", Of(&["CreateTags"]), 100, 100),
    Quota::new("ec2", Of(&["DeleteTags"]), 100, 100),
    Quota::new("ec2", Of(&["AssociateIamInstanceProfile"]), 100, 200),
    Quota::new("ec2", Of(&["DisassociateIamInstanceProfile"]), 100, 200),
    Quota::new("ec2", Of(&["ModifyInstanceMetadataOptions"]), 100, 200),
    Quota::new("ec2", Of(&["ModifyNetworkInterfaceAttribute"]), 100, 200),
    Quota::new("ec2", Of(&["StopInstances"]), 50, 200),
    Quota::new("ec2", Of(&["AuthorizeSecurityGroupIngress"]), 50, 200),
    Quota::new("ec2", Of(&["RevokeSecurityGroupIngress"]), 50, 200),
    Quota::new("ec2", EachRead, 100, 50),
    Quota::new("ec2", EachWrite, 50, 200),
    Quota::new(UNFILTERED, EachRead, 50, 100),
    // By instances, of which the program asks for one at a time.
    Quota::new("ec2", Of(&["RunInstances"]), 1_000, 500),
    Quota::new("ec2", Of(&["StartInstances"]), 1_000, 500),
    Quota::new("ec2", Of(&["StopInstances"]), 1_000, 50),
    Quota::new("ec2", Of(&["TerminateInstances"]), 1_000, 50),
    Quota::new("logs", Of(&["CreateLogGroup"]), 10, 100),
    Quota::new("logs", Of(&["DeleteLogGroup"]), 10, 100),
    Quota::new("logs", Of(&["DescribeLogGroups"]), 10, 100),
    Quota::new("logs", Of(&["FilterLogEvents"]), 5, 200),
    Quota::new("logs", EachRead, 5, 200),
    Quota::new("logs", EachWrite, 5, 200),
    Quota::new("ssm", Of(&["GetParameter"]), 40, 25),
    Quota::new("sts", But(&[]), 600, 2),
];

/// The buckets of all quotas.
#[derive(Debug)]
pub struct Buckets {
    /// Which part of each quota is left by others: one of so many.
    part: u32,
    /// When each is full again, counted from the start: by the place of its quota, and operation.
    full: BTreeMap<(usize, String), Duration>,
}

impl Buckets {
    /// `part`: other programs leave one of so many calls of each quota.
    pub fn new(part: u32) -> Self {
        Self { part, full: BTreeMap::new() }
    }

    /// Takes a token from every bucket of the operation, or from none. Returns whether it did.
    pub fn take(&mut self, operation: &Operation, is_unfiltered: bool, now: Duration) -> bool {
        let Operation { service, name, .. } = operation;
        let mut taken = Vec::new();
        let lists = is_unfiltered && service == "ec2" && LISTS.contains(&name.as_str());
        let service = if lists { UNFILTERED } else { service };
        for (at, quota) in QUOTAS.iter().enumerate().filter(|(_, one)| one.covers(service, name)) {
            let key = (at, quota.bucket(name));
            let every = Duration::from_millis(quota.every) * self.part;
            let full = self.full.get(&key).copied().unwrap_or_default().max(now) + every;
            if full > now + every * (quota.burst / self.part).max(1) {
                return false;
            }
            taken.push((key, full));
        }
        self.full.extend(taken);
        true
    }
}

/// The lists of EC2 that have a smaller quota without filters and pages.
const LISTS: [&str; 4] =
    ["DescribeInstances", "DescribeNetworkInterfaces", "DescribeSecurityGroups", "DescribeVolumes"];

/// How long calls take at least, by how often each operation is called: `ec2 RunInstances`.
pub fn least<'a>(calls: impl Iterator<Item = (&'a str, u64)> + Clone) -> Duration {
    let of = |quota: &Quota| {
        let mut buckets: BTreeMap<String, u64> = BTreeMap::new();
        for (operation, count) in calls.clone() {
            let Some((service, name)) = operation.split_once(' ') else { continue };
            if quota.covers(service, name) {
                *buckets.entry(quota.bucket(name)).or_default() += count;
            }
        }
        buckets.into_values().map(|calls| quota.least(calls)).max().unwrap_or_default()
    };
    QUOTAS.iter().map(of).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of the calls at these milliseconds are accepted.
    fn check(name: &str, at: &[u64], expected: &[bool]) {
        let mut buckets = Buckets::new(1);
        let operation = Operation { service: "ec2".into(), name: name.into(), writes: true };
        let takes = |ms: &u64| buckets.take(&operation, false, Duration::from_millis(*ms));
        assert_eq!(at.iter().map(takes).collect::<Vec<_>>(), expected, "{name}");
    }

    #[test]
    fn calls_beyond_a_quota_are_refused_and_cost_no_token() {
        check(
            "RunInstances",
            &[0, 0, 0, 0, 0, 0, 499, 500, 500],
            &[true, true, true, true, true, false, false, true, false],
        );
        let each = [&[true; 50][..], &[false; 10]].concat();
        check("CreateSecurityGroup", &[0; 60], &each);
    }

    /// How many of these calls are accepted at once.
    fn accepted(buckets: &mut Buckets, calls: &[(&str, bool)]) -> usize {
        let takes = |(name, is_unfiltered): &&(&str, bool)| {
            let operation =
                Operation { service: "ec2".into(), name: (*name).into(), writes: false };
            buckets.take(&operation, *is_unfiltered, Duration::ZERO)
        };
        calls.iter().filter(takes).count()
    }

    #[test]
    fn each_operation_of_ec2_has_its_bucket_and_a_smaller_one_for_unfiltered_lists() {
        let mut buckets = Buckets::new(1);
        assert_eq!(accepted(&mut buckets, &[("DescribeInstances", false); 150]), 100);
        assert_eq!(accepted(&mut buckets, &[("DescribeInstances", true); 150]), 50);
        assert_eq!(accepted(&mut buckets, &[("DescribeImages", true); 150]), 100);
    }

    #[test]
    fn others_leave_a_part_of_each_quota() {
        let mut buckets = Buckets::new(2);
        assert_eq!(accepted(&mut buckets, &[("DescribeInstances", false); 150]), 50);
        assert_eq!(accepted(&mut buckets, &[("RunInstances", false); 5]), 2);
    }

    #[test]
    fn the_slowest_quota_says_how_long_calls_take() {
        let few = [("ec2 RunInstances", 5), ("iam CreateRole", 1_000)];
        assert_eq!(least(few.into_iter()), Duration::ZERO);
        let [run, method, integration] =
            ["ec2 RunInstances", "apigateway PutMethod", "apigateway PutIntegration"];
        let many = [(run, 25), (method, 70), (integration, 70)];
        assert_eq!(least(many.into_iter()), Duration::from_secs(10));
    }
}
