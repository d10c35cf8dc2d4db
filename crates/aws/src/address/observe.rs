//! Reads addresses from EC2.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_ec2::types::{Address as Seen, Filter};
use stackwright_engine::kind::{Found, Handle, Live, Memo, Readiness, Result};

use super::spec::Spec;
use super::{Addresses, CODES};
use crate::ec2::{NAME_TAG, filter};
use crate::fault::{Explain as _, code};
use crate::tags;

/// What EC2 says of the id of an address that does not exist, or of what cannot be such an id.
pub(super) const NO_SUCH: [&str; 3] =
    ["InvalidAllocationID.NotFound", "InvalidAllocationID.Malformed", "InvalidAddress.NotFound"];

impl Addresses {
    /// At most [`CHUNK`](super::CHUNK) handles. Several are read by a filter: by ids, an unknown one would fail the
    /// whole call.
    pub(super) async fn observe_chunk(
        &self,
        handles: &[Handle<Spec>],
    ) -> Vec<Result<Option<Live<Spec>>>> {
        let seen = match handles {
            [one] => self.by_id(&one.id).await.map(Vec::from_iter),
            _ => {
                let ids = handles.iter().map(|handle| handle.id.clone());
                self.describe(vec![filter("allocation-id", ids)]).await
            }
        };
        let seen = match seen {
            Ok(seen) => seen,
            Err(error) => return handles.iter().map(|_| Err(error.again())).collect(),
        };
        let by_id: HashMap<&str, &Seen> =
            seen.iter().filter_map(|seen| Some((seen.allocation_id()?, seen))).collect();
        let live = |handle: &Handle<Spec>| by_id.get(handle.id.as_str()).map(|seen| live(seen));
        handles.iter().map(|handle| Ok(live(handle))).collect()
    }

    pub(super) async fn by_id(&self, id: &str) -> Result<Option<Seen>> {
        let sent = self.ec2.describe_addresses().allocation_ids(id).send().await;
        let seen = match sent {
            Err(error) if code(&error).is_some_and(|code| NO_SUCH.contains(&code)) => Vec::new(),
            sent => sent.explain("DescribeAddresses", CODES)?.addresses.unwrap_or_default(),
        };
        Ok(seen.into_iter().find(|seen| seen.allocation_id() == Some(id)))
    }

    /// EC2 lists addresses in one page.
    pub(super) async fn describe(&self, filters: Vec<Filter>) -> Result<Vec<Seen>> {
        let sent = self.ec2.describe_addresses().set_filters(Some(filters)).send().await;
        Ok(sent.explain("DescribeAddresses", CODES)?.addresses.unwrap_or_default())
    }
}

fn live(seen: &Seen) -> Live<Spec> {
    let Found { id, name, tags, outputs, .. } = found(seen);
    let association = seen.association_id().map(str::to_owned);
    Live {
        spec: Spec {
            name,
            tags,
            instance: Some(seen.instance_id().unwrap_or_default().to_owned()),
        },
        outputs,
        fingerprints: BTreeMap::new(),
        identity: None,
        readiness: Readiness::Ready,
        notes: Vec::new(),
        facts: seen
            .instance_id()
            .filter(|instance| !instance.is_empty())
            .map(|instance| ("instance".to_owned(), instance.to_owned()))
            .into_iter()
            .collect(),
        memo: association.map(|association| Memo::of(&id, association)).unwrap_or_default(),
    }
}

pub(super) fn found(seen: &Seen) -> Found {
    let id = seen.allocation_id().unwrap_or_default();
    let mut tags = tags::from_ec2(seen.tags());
    Found {
        id: id.to_owned(),
        name: tags.remove(NAME_TAG).unwrap_or_default(),
        tags,
        outputs: outputs(id, seen.public_ip().unwrap_or_default()),
        created: None,
    }
}

pub(super) fn outputs(id: &str, ip: &str) -> BTreeMap<String, String> {
    [("id", id), ("ip", ip)].map(|(output, value)| (output.to_owned(), value.to_owned())).into()
}
