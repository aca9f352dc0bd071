//! Random changes of schemas.

use barewire_core::wire::schema::Types;
use barewire_core::wire::{Schema, TypeRef};

use super::random::Rng;

/// How a schema was changed; whether octets tell.
pub(crate) struct Change {
    pub(crate) types: Types,
    pub(crate) octets: bool,
}

/// One change somewhere in the schema, which stays valid; `None` if this one does not apply.
pub(crate) fn change(rng: &mut Rng, types: &Types) -> Option<Change> {
    let mut schema = types.schema().clone();
    let at = rng.below(schema.definitions.len());
    let octets = change_type(rng, &mut schema.definitions[at].ty)?;
    let types = Types::new(Schema { definitions: schema.definitions }).ok()?;
    Some(Change { types, octets })
}

fn change_type(rng: &mut Rng, ty: &mut TypeRef) -> Option<bool> {
    let inside = rng.chance(50);
    match ty {
        TypeRef::List(item, _) | TypeRef::Optional(item) if inside => change_type(rng, item),
        TypeRef::Map(key, value) if inside => {
            let part = if rng.chance(50) { key } else { value };
            change_type(rng, part)
        }
        TypeRef::Struct(fields) if inside => {
            let at = rng.below(fields.len());
            change_type(rng, &mut fields[at].1)
        }
        TypeRef::Union(members) if inside => {
            let at = rng.below(members.len());
            change_type(rng, &mut members[at].0)
        }
        TypeRef::List(_, n) | TypeRef::Data(n) => {
            *n = if n.is_none() || rng.chance(50) { Some(1 + rng.below(4) as u64) } else { None };
            Some(true)
        }
        TypeRef::Struct(fields) => {
            let at = rng.below(fields.len());
            match rng.below(4) {
                0 => fields.push(("more".into(), TypeRef::U8)),
                1 => drop(fields.remove(at)),
                2 => fields[at].0 = "renamed".into(),
                _ => {
                    let other = rng.below(fields.len());
                    let name = fields[at].0.clone();
                    fields[at].0 = std::mem::replace(&mut fields[other].0, name);
                }
            }
            Some(false)
        }
        TypeRef::Enum(values) => {
            let at = rng.below(values.len());
            match rng.below(3) {
                0 => values.push(("MORE".into(), values.last()?.1.checked_add(1 + rng.below(3) as u64)?)),
                1 => drop(values.remove(at)),
                _ => values[at].0 = "RENAMED".into(),
            }
            Some(false)
        }
        TypeRef::Union(members) => {
            let at = rng.below(members.len());
            match rng.below(3) {
                0 => members
                    .push((TypeRef::array(TypeRef::U8, 7), members.last()?.1.checked_add(1 + rng.below(3) as u64)?)),
                1 => drop(members.remove(at)),
                _ => members[at].0 = TypeRef::array(TypeRef::U16, 9),
            }
            Some(false)
        }
        TypeRef::Void | TypeRef::Named(_) => None,
        other => {
            *other = [
                TypeRef::U8,
                TypeRef::Bool,
                TypeRef::Uint,
                TypeRef::F32,
                TypeRef::Str,
                TypeRef::optional(other.clone()),
            ][rng.below(6)]
            .clone();
            Some(true)
        }
    }
}
