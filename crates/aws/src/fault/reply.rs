//! Replies of which only a part is worth showing.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

/// Describes a reply that is not one of AWS: a proxy, a web server or an overloaded service sent it.
pub fn unreadable(reply: &HttpResponse, why: &str) -> String {
    let status = reply.status().as_u16();
    let Some(body) = reply.body().bytes() else {
        return format!("the reply with status {status} breaks off ({why})");
    };
    let text = String::from_utf8_lossy(body);
    let words: Vec<&str> = text.split_whitespace().collect();
    let start: String = words.join(" ").chars().take(80).collect();
    match (reply.status().is_success(), start.as_str()) {
        (true, "") => format!("status {status} with an empty reply"),
        (true, start) => {
            format!("status {status} with a reply that cannot be read ({why}): {start}")
        }
        (false, "") => format!("status {status} without an error message"),
        (false, start) => format!("status {status} with an error that is not from AWS: {start}"),
    }
}

/// Returns the encoded part of a refusal of EC2: hundreds of letters that say which permission is missing.
pub fn encoded_message(text: &str) -> Option<&str> {
    let (_, encoded) = text.split_once("Encoded authorization failure message: ")?;
    // It becomes part of a command, so nothing else may be in it.
    let is_other = |c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_';
    let end = encoded.find(is_other).unwrap_or(encoded.len());
    Some(&encoded[..end]).filter(|encoded| encoded.len() > 40)
}
