//! Partitions of AWS: groups of regions that share accounts, names of ARNs and a domain. From
//! `partitions.json`, which AWS publishes with its SDKs.

/// One partition.
#[derive(Debug, PartialEq, Eq)]
pub struct Partition {
    /// The second part of an ARN.
    pub name: &'static str,
    /// The domain of its services.
    pub domain: &'static str,
    /// What the names of its regions begin with; a word and a number follow.
    regions: &'static [&'static str],
}

/// All of them.
pub const PARTITIONS: &[Partition] = &[
    Partition { name: "aws-cn", domain: "amazonaws.com.cn", regions: &["cn-"] },
    Partition { name: "aws-us-gov", domain: "amazonaws.com", regions: &["us-gov-"] },
    Partition { name: "aws-eusc", domain: "amazonaws.eu", regions: &["eusc-de-"] },
    Partition { name: "aws-iso", domain: "c2s.ic.gov", regions: &["us-iso-"] },
    Partition { name: "aws-iso-b", domain: "sc2s.sgov.gov", regions: &["us-isob-"] },
    Partition { name: "aws-iso-e", domain: "cloud.adc-e.uk", regions: &["eu-isoe-"] },
    Partition { name: "aws-iso-f", domain: "csp.hci.ic.gov", regions: &["us-isof-"] },
    Partition {
        name: "aws",
        domain: "amazonaws.com",
        regions: &["us-", "eu-", "ap-", "sa-", "ca-", "me-", "af-", "il-", "mx-"],
    },
];

impl Partition {
    /// Returns the partition of a region; `None` for what is not the name of a region. Regions that AWS
    /// opens later are known by the form of their names.
    pub fn of(region: &str) -> Option<&'static Self> {
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let is_word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase());
        PARTITIONS.iter().find(|partition| {
            partition.regions.iter().any(|start| {
                let rest = region.strip_prefix(start).and_then(|rest| rest.split_once('-'));
                rest.is_some_and(|(word, number)| is_word(word) && is_number(number))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_region_is_in_its_partition() {
        for (region, partition) in [
            ("us-east-1", "aws"),
            ("ap-southeast-7", "aws"),
            ("mx-central-1", "aws"),
            ("cn-northwest-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("eusc-de-east-1", "aws-eusc"),
            ("us-iso-west-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("us-isof-south-1", "aws-iso-f"),
        ] {
            assert_eq!(Partition::of(region).map(|partition| partition.name), Some(partition));
        }
        for text in ["", "us-east", "us-east-1a", "us--1", "US-EAST-1", "xx-east-1", "aws-global"] {
            assert_eq!(Partition::of(text), None, "{text}");
        }
    }
}
