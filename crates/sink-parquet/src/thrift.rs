//! Walks through structures in Thrift's compact form, of which the footer and the headers of pages are made
//! (<https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>), before the library reads them.

/// What a field is.
#[derive(Debug)]
pub(crate) enum Form {
    Flag,
    Byte,
    Number,
    Double,
    Bytes,
    List(&'static Form),
    Structure(Fields),
}

/// The fields of a structure that the library reads. It reads them as what they should be, whatever the file says they are: a
/// file that says something else would be walked through here in another way than there.
pub(crate) type Fields = &'static [(u16, Form)];

/// Walks through the structure at the beginning of these bytes, handing over its numbers with the field of the structure around
/// it (0: none) and their own. A negative one is handed over as a very large one. Returns what follows; `None` if the structure
/// is truncated, not a structure, nested more than `max_depth` deep, if a field is not what it should be, or if there is a list
/// of flags, which Parquet has nowhere.
pub(crate) fn walk<'a>(
    bytes: &'a [u8],
    fields: Fields,
    max_depth: u32,
    take: &mut dyn FnMut([u16; 2], u64),
) -> Option<&'a [u8]> {
    let mut rest = Rest { bytes, max_depth };
    rest.fields(fields, 0, 0, take)?;
    Some(rest.bytes)
}

impl Form {
    fn is(&self, kind: u8) -> bool {
        match self {
            Self::Flag => matches!(kind, 1 | 2),
            Self::Byte => kind == 3,
            Self::Number => matches!(kind, 4..=6),
            Self::Double => kind == 7,
            Self::Bytes => kind == 8,
            Self::List(_) => kind == 9,
            Self::Structure(_) => kind == 12,
        }
    }

    /// The fields of a structure, known or not.
    fn fields(form: Option<&Self>) -> Fields {
        match form {
            Some(Self::Structure(fields)) => fields,
            _ => &[],
        }
    }
}

struct Rest<'a> {
    bytes: &'a [u8],
    max_depth: u32,
}

impl Rest<'_> {
    fn fields(
        &mut self,
        known: Fields,
        around: u16,
        depth: u32,
        take: &mut dyn FnMut([u16; 2], u64),
    ) -> Option<()> {
        if depth > self.max_depth {
            return None;
        }
        let mut field = 0_u16;
        loop {
            let head = self.byte()?;
            let kind = head & 15;
            if kind == 0 {
                return Some(());
            }
            field = match head >> 4 {
                0 => u16::try_from(self.signed()?).ok()?,
                step => field.checked_add(u16::from(step))?,
            };
            let form = known.iter().find(|(number, _)| *number == field);
            let form = form.map(|(_, form)| form);
            if form.is_some_and(|form| !form.is(kind)) {
                return None;
            }
            match kind {
                4..=6 => take([around, field], self.signed()?.cast_unsigned()),
                12 => {
                    // Numbers in nested structures are ignored.
                    let around = if around == 0 { field } else { u16::MAX };
                    self.fields(Form::fields(form), around, depth + 1, take)?;
                }
                // Flags are in the head.
                1 | 2 => {}
                kind => self.skip(form, kind, depth)?,
            }
        }
    }

    fn skip(&mut self, form: Option<&'static Form>, kind: u8, depth: u32) -> Option<()> {
        match kind {
            3 => self.byte().map(drop),
            4..=6 => self.number().map(drop),
            7 => self.bytes(8),
            8 => {
                let length = usize::try_from(self.number()?).ok()?;
                self.bytes(length)
            }
            9 | 10 => self.list(form, depth),
            12 => self.fields(Form::fields(form), u16::MAX, depth + 1, &mut |_, _| {}),
            _ => None,
        }
    }

    fn list(&mut self, form: Option<&'static Form>, depth: u32) -> Option<()> {
        let head = self.byte()?;
        let (count, kind) = match head >> 4 {
            15 => (self.number()?, head & 15),
            count => (u64::from(count), head & 15),
        };
        let form = match form {
            Some(Form::List(form)) => Some(*form),
            _ => None,
        };
        // A flag in a list has a byte, of which the library knows nothing: it would count to any number without reading one.
        // Every other element takes a byte at least, so that a list is not longer than what holds it.
        let is_refused = matches!(kind, 1 | 2) || form.is_some_and(|form| !form.is(kind));
        if depth > self.max_depth || (is_refused && count > 0) {
            return None;
        }
        (0..count).try_for_each(|_| self.skip(form, kind, depth + 1))
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    fn bytes(&mut self, count: usize) -> Option<()> {
        self.bytes = self.bytes.get(count..)?;
        Some(())
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// A number in the form in which small negative ones are short.
    fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_walked(bytes: &[u8]) -> bool {
        walk(bytes, &[], 16, &mut |_, _| {}).is_some()
    }

    #[test]
    fn lists_are_not_longer_than_what_holds_them() {
        // Lists of two numbers, of no flags, and of flags.
        assert!(is_walked(&[0x19, 0x25, 2, 2, 0]));
        assert!(is_walked(&[0x19, 0x01, 0]));
        for kind in [1, 2] {
            assert!(!is_walked(&[0x19, 0x20 | kind, 1, 1, 0]));
            let endless = [0x19, 0xf0 | kind, 0xff, 0xff, 0xff, 0xff, 7, 0];
            assert!(!is_walked(&endless));
            // In a set, in a list of lists, and in a structure.
            assert!(!is_walked(&[&[0x1a], &endless[1..]].concat()));
            assert!(!is_walked(&[&[0x19, 0x19], &endless[1..]].concat()));
            assert!(!is_walked(&[&[0x1c], &endless[..], &[0]].concat()));
        }
        assert!(!is_walked(&[0x19, 0xf5, 0xff, 0xff, 0xff, 0xff, 7, 0]));
        // Lists within lists must not take the stack.
        assert!(!is_walked(&vec![0x19; 60_000]));
    }

    #[test]
    fn known_fields_are_what_they_should_be() {
        const FIELDS: Fields = &[
            (1, Form::Number),
            (2, Form::List(&Form::Structure(&[(1, Form::Bytes)]))),
            (3, Form::Flag),
        ];
        let is_walked = |bytes: &[u8]| walk(bytes, FIELDS, 16, &mut |_, _| {}).is_some();
        // 7, a list of a structure with a text, a flag, and an unknown field.
        assert!(is_walked(&[
            0x15, 14, 0x19, 0x1c, 0x18, 1, b'x', 0, 0x11, 0x15, 2, 0
        ]));
        assert!(is_walked(&[0x15, 14, 0x19, 0, 0]));
        for other in [
            // A text in the place of the number, and of the list.
            &[0x18, 1, b'x', 0][..],
            &[0x28, 1, b'x', 0],
            // A list of numbers, and of structures with a number.
            &[0x29, 0x15, 2, 0],
            &[0x29, 0x1c, 0x15, 2, 0, 0],
            // A number in the place of the flag.
            &[0x35, 2, 0],
        ] {
            assert!(!is_walked(other), "{other:?}");
        }
    }
}
