//! Parts of replies in XML and in JSON, cut out of the text as it came.

use serde_json::Value;

/// The texts of every element of that name, at any depth.
pub fn texts(xml: &str, element: &str) -> Vec<String> {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let texts = xml.split(&open).skip(1).filter_map(|rest| rest.split(&close).next());
    texts.map(str::to_owned).collect()
}

/// The value of a tag in EC2's list of tags.
pub fn tag(xml: &str, key: &str) -> Option<String> {
    let rest = xml.split_once(&format!("<key>{key}</key>"))?.1;
    Some(rest.split_once("<value>")?.1.split_once('<')?.0.to_owned())
}

/// The outermost elements of that name, each with all that is in it.
pub fn elements<'a>(xml: &'a str, element: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let mut rest = xml;
    while let Some(start) = rest.find(&open) {
        let (part, behind) = rest[start..].split_at(end_of_first(&rest[start..], &open, &close));
        found.push(part);
        rest = behind;
    }
    found
}

/// An XML text without those outermost elements of that name that `hides` accepts.
pub fn without_elements(xml: &str, element: &str, mut hides: impl FnMut(&str) -> bool) -> String {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let mut left = String::new();
    let mut rest = xml;
    while let Some(start) = rest.find(&open) {
        left.push_str(&rest[..start]);
        rest = &rest[start..];
        let (part, behind) = rest.split_at(end_of_first(rest, &open, &close));
        if !hides(part) {
            left.push_str(part);
        }
        rest = behind;
    }
    left + rest
}

/// Where the element ends with which `xml` begins.
fn end_of_first(xml: &str, open: &str, close: &str) -> usize {
    let (mut depth, mut end) = (0, 0);
    loop {
        let next = |tag: &str| xml[end..].find(tag).map(|at| end + at);
        match (next(open), next(close)) {
            (Some(opens), Some(closes)) if opens < closes => {
                depth += 1;
                end = opens + open.len();
            }
            (_, Some(closes)) => {
                depth -= 1;
                end = closes + close.len();
            }
            (_, None) => end = xml.len(),
        }
        if depth <= 0 || end == xml.len() {
            return end;
        }
    }
}

/// The items of a list in a JSON reply. API Gateway's list is `item` on the wire, and `items` on
/// some emulators. Panics when there is none, so that a wrong name does not look like no items.
#[track_caller]
pub fn items(reply: &str, list: &str) -> Vec<Value> {
    let read: Value = serde_json::from_str(reply).unwrap_or_default();
    let items = read.get(list).or_else(|| read.get(format!("{list}s"))).and_then(Value::as_array);
    items.unwrap_or_else(|| panic!("no list `{list}` in {reply}")).clone()
}

/// A JSON reply without those items of a list whose field `id` has a value that `hides` accepts.
pub fn without_items(
    reply: &str,
    list: &str,
    id: &str,
    mut hides: impl FnMut(&str) -> bool,
) -> String {
    let mut reply: Value = serde_json::from_str(reply).unwrap_or_default();
    for list in [list.to_owned(), format!("{list}s")] {
        if let Some(items) = reply.get_mut(list).and_then(Value::as_array_mut) {
            items.retain(|item| !item[id].as_str().is_some_and(&mut hides));
        }
    }
    reply.to_string()
}

/// The text after the last separator: the name in an ARN.
pub fn last_part(text: &str, separator: char) -> String {
    text.rsplit(separator).next().unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_outermost_elements_are_found_and_left_out() {
        let xml = "<r><item><a>1</a><s><item>x</item></s></item><item><a>2</a></item></r>";
        let left = |gone: &str| without_elements(xml, "item", |part| part.contains(gone));
        assert_eq!(left("<a>1</a>"), "<r><item><a>2</a></item></r>");
        assert_eq!(left("<a>2</a>"), "<r><item><a>1</a><s><item>x</item></s></item></r>");
        assert_eq!(left("nothing"), xml);
        assert_eq!(without_elements("<r/>", "item", |_| true), "<r/>");
        let inner = "<item><a>1</a><s><item>x</item></s></item>";
        assert_eq!(elements(xml, "item"), [inner, "<item><a>2</a></item>"]);
        assert_eq!(elements("<r/>", "item"), [""; 0]);
    }
}
