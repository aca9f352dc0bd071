//! Arrays of a safetensors file.

use std::collections::HashMap;
use std::path::Path;

use safetensors::{Dtype, SafeTensors};

use crate::Failure;

/// One array, widened.
#[derive(Clone, Debug)]
pub(super) struct Tensor {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f64>,
}

/// A file's arrays and metadata.
pub(super) struct Tensors {
    arrays: HashMap<String, Tensor>,
    bytes: HashMap<String, Vec<u8>>,
    metadata: HashMap<String, String>,
}

impl Tensors {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let data = std::fs::read(path).map_err(|error| failed(&error))?;
        let (_, header) = SafeTensors::read_metadata(&data).map_err(|error| failed(&error))?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let (mut arrays, mut bytes) = (HashMap::new(), HashMap::new());
        for (name, view) in SafeTensors::deserialize(&data).map_err(|error| failed(&error))?.tensors() {
            let data = view.data();
            let values = match view.dtype() {
                Dtype::F32 => data.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b).into()).collect(),
                Dtype::F64 => data.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
                // ids and counts, far below 2^53
                Dtype::I64 => data.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b) as f64).collect(),
                Dtype::I8 => data.iter().map(|b| (*b as i8).into()).collect(),
                Dtype::U8 => {
                    bytes.insert(name.clone(), data.to_vec());
                    continue;
                }
                other => return Err(failed(&format!("`{name}` is {other:?}, expected F32, F64, I64, I8 or U8"))),
            };
            arrays.insert(name, Tensor { shape: view.shape().to_vec(), values });
        }
        Ok(Self { arrays, bytes, metadata })
    }

    /// An entry of the metadata.
    pub(super) fn meta(&self, key: &str) -> Result<&str, Failure> {
        self.metadata.get(key).map(String::as_str).ok_or_else(|| format!("no `{key}` in the metadata"))
    }

    /// A number in the metadata.
    pub(super) fn number<T: std::str::FromStr>(&self, key: &str) -> Result<T, Failure> {
        self.meta(key)?.parse().map_err(|_| format!("`{key}` in the metadata is no number"))
    }

    /// An array.
    pub(super) fn get(&self, name: &str) -> Result<&Tensor, Failure> {
        self.arrays.get(name).ok_or_else(|| format!("no array `{name}`"))
    }

    /// An array of bytes.
    pub(super) fn bytes(&self, name: &str) -> Result<&[u8], Failure> {
        self.bytes.get(name).map(Vec::as_slice).ok_or_else(|| format!("no array `{name}` of U8"))
    }

    /// An array as f32, which its numbers must fit exactly.
    pub(super) fn f32(&self, name: &str) -> Result<Vec<f32>, Failure> {
        let narrow = |&wide: &f64| {
            let value = wide as f32;
            if f64::from(value) == wide || wide.is_nan() {
                Ok(value)
            } else {
                Err(format!("`{name}` has {wide}, which is no f32"))
            }
        };
        self.get(name)?.values.iter().map(narrow).collect()
    }

    /// The shape of an array that has `N` dimensions.
    pub(super) fn shape<const N: usize>(&self, name: &str) -> Result<[usize; N], Failure> {
        let shape = &self.get(name)?.shape;
        shape.as_slice().try_into().map_err(|_| format!("`{name}` has the shape {shape:?}, expected {N} dimensions"))
    }

    /// Names of all arrays of numbers that start with `prefix`, in order.
    pub(super) fn names(&self, prefix: &str) -> Vec<&str> {
        let mut names: Vec<&str> = self.arrays.keys().map(String::as_str).filter(|n| n.starts_with(prefix)).collect();
        names.sort_unstable();
        names
    }
}
