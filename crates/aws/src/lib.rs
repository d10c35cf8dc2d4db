//! The kinds on the AWS SDK. The only place that names an AWS SDK.

pub mod cloud;
pub mod fault;
pub mod instance;
pub mod once;
pub mod policy;
pub mod role;
pub mod tags;
