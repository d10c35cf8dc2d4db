//! Problems that are the same in many places: one mistake, such as a misspelt key to which many resources refer.

use std::collections::HashMap;

use super::diagnostic::Diagnostic;

/// Problems with the same words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    pub first: &'a Diagnostic,
    /// The others, in their order.
    pub others: Vec<&'a Diagnostic>,
}

/// Returns problems by their words, in the order of the first ones.
pub fn grouped(diagnostics: &[Diagnostic]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut places = HashMap::new();
    for found in diagnostics {
        let at = *places.entry((&found.message, &found.help)).or_insert(groups.len());
        match groups.get_mut(at) {
            Some(group) => group.others.push(found),
            None => groups.push(Group { first: found, others: Vec::new() }),
        }
    }
    groups
}

/// Returns a number as people read it: `2,980`.
pub fn digits(number: usize) -> String {
    let plain = number.to_string();
    let mut digits = String::new();
    for (at, digit) in plain.char_indices() {
        if at > 0 && (plain.len() - at).is_multiple_of(3) {
            digits.push(',');
        }
        digits.push(digit);
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_with_the_same_words_are_one() {
        let all = [
            Diagnostic::error(0..1, "a").help("do b"),
            Diagnostic::error(1..2, "b"),
            Diagnostic::error(2..3, "a").help("do b"),
            Diagnostic::error(3..4, "a").help("do c"),
        ];
        let [first, second, third, fourth] = &all;
        let expected = [
            Group { first, others: vec![third] },
            Group { first: second, others: vec![] },
            Group { first: fourth, others: vec![] },
        ];
        assert_eq!(grouped(&all), expected);
    }

    #[test]
    fn long_numbers_have_commas() {
        let numbers = [0, 20, 999, 1000, 23_000, 1_234_567].map(digits);
        assert_eq!(numbers, ["0", "20", "999", "1,000", "23,000", "1,234,567"]);
    }
}
