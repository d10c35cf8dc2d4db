//! The kinds of AWS. The only crate that names an AWS SDK.
//!
//! Each kind is a folder that brings everything of its own: what a user writes, the normal form,
//! checks, SDK clients, error codes, quotas and consistency windows. The files beside the folders hold
//! what all kinds share.

pub mod address;
pub mod api;
mod arn;
pub mod call_tracker;
pub mod client;
pub mod cloud;
pub mod connect;
pub mod credentials;
mod ec2;
pub mod fault;
pub mod function;
pub mod http_check;
mod http_client;
mod iam;
pub mod id;
pub mod instance;
pub mod key_pair;
pub mod kinds;
mod missing_file;
pub mod pace;
mod paced;
pub mod policy;
pub mod policy_document;
pub mod profiles;
pub mod proxy_url;
pub mod role;
pub mod security_group;
pub mod tags;
#[cfg(test)]
mod test_changes;
#[cfg(test)]
mod test_checks;
mod text_file;
mod time_limit;
mod truncated_reply;
pub mod trust;
pub mod unreached;
mod wrong;
