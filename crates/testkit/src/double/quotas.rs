//! AWS's quotas for calls of one account and region, as token buckets: calls beyond them are refused.
//!
//! Sources: "Amazon API Gateway quotas", "Lambda quotas" and "Request throttling for the Amazon EC2 API".
//! IAM does not say what it allows.

use std::time::Duration;

use crate::request::Operation;

/// A quota of a service: so many calls at once, then one each `every` milliseconds.
struct Quota {
    service: &'static str,
    operations: Operations,
    burst: u32,
    every: u64,
}

/// The operations that share a quota.
enum Operations {
    Of(&'static [&'static str]),
    But(&'static [&'static str]),
}

impl Quota {
    const fn of(
        service: &'static str,
        operations: &'static [&'static str],
        burst: u32,
        every: u64,
    ) -> Self {
        Self { service, operations: Operations::Of(operations), burst, every }
    }

    const fn of_all_but(
        service: &'static str,
        operations: &'static [&'static str],
        burst: u32,
        every: u64,
    ) -> Self {
        Self { service, operations: Operations::But(operations), burst, every }
    }

    fn covers(&self, service: &str, operation: &str) -> bool {
        let is_covered = match self.operations {
            Operations::Of(all) => all.contains(&operation),
            Operations::But(all) => !all.contains(&operation),
        };
        service == self.service && is_covered
    }

    /// How long so many calls take at least.
    fn least(&self, calls: u64) -> Duration {
        Duration::from_millis(calls.saturating_sub(u64::from(self.burst)) * self.every)
    }
}

const QUOTAS: [Quota; 14] = [
    Quota::of("apigateway", &["CreateRestApi"], 1, 3_000),
    Quota::of("apigateway", &["DeleteRestApi"], 1, 30_000),
    Quota::of("apigateway", &["CreateDeployment"], 1, 5_000),
    Quota::of("apigateway", &["PutRestApi"], 1, 1_000),
    Quota::of("apigateway", &["CreateResource"], 5, 200),
    Quota::of("apigateway", &["DeleteResource"], 5, 200),
    Quota::of("apigateway", &["GetResources"], 5, 400),
    Quota::of_all_but("apigateway", &[], 40, 100),
    Quota::of("lambda", &["GetFunction"], 100, 10),
    Quota::of("lambda", &["GetPolicy"], 15, 67),
    Quota::of_all_but("lambda", &["GetFunction", "GetPolicy", "Invoke"], 15, 67),
    Quota::of("ec2", &["RunInstances"], 5, 500),
    Quota::of("ec2", &["TerminateInstances"], 100, 200),
    Quota::of("ec2", &["CreateSecurityGroup"], 50, 200),
];

/// The buckets of all quotas.
#[derive(Debug)]
pub struct Buckets {
    /// When each is full again, counted from the start.
    full: [Duration; QUOTAS.len()],
}

impl Buckets {
    pub fn new() -> Self {
        Self { full: [Duration::ZERO; QUOTAS.len()] }
    }

    /// Takes a token from every bucket of the operation, or from none. Returns whether it did.
    pub fn take(&mut self, operation: &Operation, now: Duration) -> bool {
        let Operation { service, name, .. } = operation;
        let mut taken = self.full;
        for (quota, full) in
            QUOTAS.iter().zip(&mut taken).filter(|(one, _)| one.covers(service, name))
        {
            let every = Duration::from_millis(quota.every);
            *full = (*full).max(now) + every;
            if *full > now + every * quota.burst {
                return false;
            }
        }
        self.full = taken;
        true
    }
}

/// How long calls take at least, by how often each operation is called: `ec2 RunInstances`.
pub fn least<'a>(calls: impl Iterator<Item = (&'a str, u64)> + Clone) -> Duration {
    let of = |quota: &Quota| {
        let covered = calls.clone().filter(|(operation, _)| {
            operation.split_once(' ').is_some_and(|(service, name)| quota.covers(service, name))
        });
        quota.least(covered.map(|(_, count)| count).sum())
    };
    QUOTAS.iter().map(of).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of the calls at these milliseconds are accepted.
    fn check(name: &str, at: &[u64], expected: &[bool]) {
        let mut buckets = Buckets::new();
        let operation = Operation { service: "ec2".into(), name: name.into(), writes: true };
        let takes = |ms: &u64| buckets.take(&operation, Duration::from_millis(*ms));
        assert_eq!(at.iter().map(takes).collect::<Vec<_>>(), expected, "{name}");
    }

    #[test]
    fn calls_beyond_a_quota_are_refused_and_cost_no_token() {
        check(
            "RunInstances",
            &[0, 0, 0, 0, 0, 0, 499, 500, 500],
            &[true, true, true, true, true, false, false, true, false],
        );
        check("DescribeInstances", &[0; 200], &[true; 200]);
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
