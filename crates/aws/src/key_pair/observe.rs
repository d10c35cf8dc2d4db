//! Reads key pairs from EC2.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_ec2::types::{Filter, KeyPairInfo};
use aws_smithy_types::date_time::Format;
use futures_util::try_join;
use stackwright_engine::kind::{Found, Handle, Live, Memo, Readiness, Result, Sought};

use super::spec::Spec;
use super::{CODES, KeyPairs};
use crate::ec2::{self, exactly, filter};
use crate::fault::Explain as _;
use crate::tags::{self, Tags};

/// What an update needs of a key pair.
#[derive(Clone)]
pub struct Tagged {
    /// `key-…`, by which EC2 tags it.
    pub id: String,
    pub tags: Tags,
}

/// A key pair and its tags.
struct Seen {
    info: KeyPairInfo,
    tags: Tags,
}

impl KeyPairs {
    /// At most [`CHUNK`](super::CHUNK) handles, by a filter: by names, an unknown one would fail the whole call.
    pub(super) async fn observe_chunk(
        &self,
        handles: &[Handle<Spec>],
    ) -> Vec<Result<Option<Live<Spec>>>> {
        let names: Vec<String> = handles.iter().map(|handle| handle.id.clone()).collect();
        let seen = match self.named(&names).await {
            Ok(seen) => seen,
            Err(error) => return handles.iter().map(|_| Err(error.again())).collect(),
        };
        let by_name: HashMap<&str, &Seen> = seen.iter().map(|seen| (seen.name(), seen)).collect();
        handles
            .iter()
            .map(|handle| Ok(by_name.get(handle.id.as_str()).map(|seen| seen.live())))
            .collect()
    }

    pub(super) async fn find_owned_or_named(&self, sought: Sought<'_>) -> Result<Vec<Found>> {
        let owned = self.describe(ec2::of_owner(sought));
        let (owned, named) = try_join!(owned, self.named(sought.names))?;
        // An endpoint may ignore filters.
        let owned = owned.iter().filter(|seen| ec2::is_of_owner(sought, &seen.tags));
        let found = owned.chain(&named).map(|seen| (seen.name(), seen.found()));
        // One that has both the tags and a name is one.
        Ok(found.collect::<BTreeMap<_, _>>().into_values().collect())
    }

    /// Returns what an update needs of a key pair. `None`: it is gone.
    pub(super) async fn tagged(&self, name: &str) -> Result<Option<Tagged>> {
        let seen = self.named(&[name.to_owned()]).await?;
        Ok(seen.into_iter().next().map(|seen| seen.tagged()))
    }

    /// Returns key pairs by their names.
    async fn named(&self, names: &[String]) -> Result<Vec<Seen>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut seen = self.describe(vec![exactly("key-name", names.iter().cloned())]).await?;
        // An endpoint may ignore the filter.
        seen.retain(|seen| names.iter().any(|name| name == seen.name()));
        Ok(seen)
    }

    async fn describe(&self, filters: Vec<Filter>) -> Result<Vec<Seen>> {
        let request = self.ec2.describe_key_pairs().include_public_key(true);
        let reply = request.set_filters(Some(filters)).send().await;
        let infos = reply.explain("DescribeKeyPairs", CODES)?.key_pairs.unwrap_or_default();
        let is_plain = |info: &&KeyPairInfo| info.tags().is_empty();
        let plain = infos.iter().filter(is_plain).filter_map(|info| info.key_pair_id.clone());
        let mut elsewhere = self.tags_of(plain.collect()).await?;
        let seen = infos.into_iter().map(|info| {
            let other = elsewhere.remove(info.key_pair_id().unwrap_or_default());
            Seen { tags: other.unwrap_or_else(|| tags::from_ec2(info.tags())), info }
        });
        Ok(seen.collect())
    }

    /// Returns tags by the ids of key pairs: some endpoints report them here alone.
    async fn tags_of(&self, ids: Vec<String>) -> Result<HashMap<String, Tags>> {
        let mut tags: HashMap<String, Tags> = HashMap::new();
        if ids.is_empty() {
            return Ok(tags);
        }
        let request = self.ec2.describe_tags().filters(filter("resource-id", ids));
        let pages = request.into_paginator().items().send();
        let all: Vec<_> = pages.try_collect().await.explain("DescribeTags", CODES)?;
        for tag in all {
            let of_one = tags.entry(tag.resource_id.unwrap_or_default()).or_default();
            of_one.insert(tag.key.unwrap_or_default(), tag.value.unwrap_or_default());
        }
        Ok(tags)
    }
}

impl Seen {
    fn name(&self) -> &str {
        self.info.key_name().unwrap_or_default()
    }

    fn tagged(&self) -> Tagged {
        let id = self.info.key_pair_id().unwrap_or_default().to_owned();
        Tagged { id, tags: self.tags.clone() }
    }

    fn live(&self) -> Live<Spec> {
        let (name, info) = (self.name().to_owned(), &self.info);
        // Without the comment, for which EC2 writes the name of the pair.
        let words = |key: &str| key.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        let facts = [("id", info.key_pair_id()), ("fingerprint", info.key_fingerprint())];
        let facts = facts
            .into_iter()
            .filter_map(|(fact, value)| Some((fact.to_owned(), value?.to_owned())));
        Live {
            outputs: outputs(&name),
            memo: Memo::of(&name, self.tagged()),
            spec: Spec { name, tags: self.tags.clone(), public_key: info.public_key().map(words) },
            fingerprints: BTreeMap::new(),
            identity: None,
            readiness: Readiness::Ready,
            notes: Vec::new(),
            facts: facts.collect(),
        }
    }

    fn found(&self) -> Found {
        let created = self.info.create_time().and_then(|time| time.fmt(Format::DateTime).ok());
        Found {
            id: self.name().to_owned(),
            name: self.name().to_owned(),
            tags: self.tags.clone(),
            outputs: outputs(self.name()),
            created,
        }
    }
}

pub(super) fn outputs(name: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("name".to_owned(), name.to_owned())])
}
