//! The methods that rows and columns share, owned, viewed and lent out.

/// Reading, through `as_view`: `$view` is the view's type.
macro_rules! reading {
    ($view:ident) => {
        /// Number of elements.
        #[inline]
        pub fn len(&self) -> usize {
            self.as_view().count()
        }

        /// Whether there are none.
        #[inline]
        pub fn is_empty(&self) -> bool {
            self.len() == 0
        }

        /// The tag of an element, 0 if the type is a struct; `None` if there is no such element.
        #[inline]
        pub fn tag(&self, i: usize) -> Option<u32> {
            (i < self.len()).then(|| self.as_view().tag_at(i).into())
        }

        /// A view of an element; `None` if there is no such element.
        #[inline]
        pub fn get(&self, i: usize) -> Option<T::View<'_, f32>> {
            (i < self.len()).then(|| self.as_view().look_at(i))
        }

        /// A copy of an element; `None` if there is no such element.
        #[inline]
        pub fn value(&self, i: usize) -> Option<T> {
            (i < self.len()).then(|| self.as_view().take_at(i))
        }

        /// Views of all elements.
        pub fn iter(&self) -> impl DoubleEndedIterator<Item = T::View<'_, f32>> + ExactSizeIterator {
            let view = self.as_view();
            (0..view.count()).map(move |i| view.look_at(i))
        }

        /// Copies of all elements.
        pub fn to_vec(&self) -> Vec<T> {
            let view = self.as_view();
            (0..view.count()).map(|i| view.take_at(i)).collect()
        }
    };
}

/// Changing elements, through `lend_at`, `put_at` and `clear_at`.
macro_rules! writing {
    () => {
        /// An element whose fields may be changed where they lie; `None` if there is no such element.
        #[inline]
        pub fn get_mut(&mut self, i: usize) -> Option<T::ViewMut<'_>> {
            if i < self.len() { Some(self.lend_at(i)) } else { None }
        }

        /// Replaces an element by one of the same variant.
        ///
        /// # Errors
        /// There is no such element, or it is of another variant; then nothing has changed.
        pub fn set(&mut self, i: usize, value: &T) -> Result<(), SetError> {
            let len = self.len();
            if i >= len {
                return Err(SetError::Index { index: i, len });
            }
            let (old, new) = (self.as_view().tag_at(i), tag_of(value));
            if old != new {
                let (expected, found) = (variant_name::<T>(old), variant_name::<T>(new));
                return Err(SetError::Variant { index: i, expected, found });
            }
            self.put_at(i, value);
            Ok(())
        }

        /// Replaces an element by one of any variant: the only way in which a tag changes.
        ///
        /// # Errors
        /// There is no such element.
        pub fn set_variant(&mut self, i: usize, value: &T) -> Result<(), SetError> {
            let len = self.len();
            if i >= len {
                return Err(SetError::Index { index: i, len });
            }
            self.put_at(i, value);
            Ok(())
        }
    };
}

/// What all forms can do: to be shown, and to be compared with each other and with a `Vec`.
macro_rules! standard {
    ($([$($life:lifetime)?] $t:ty)*) => { $(
        impl<$($life,)? T: FixedType> fmt::Debug for $t
        where
            for<'x> T::View<'x, f32>: fmt::Debug,
        {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_list().entries(self.iter()).finish()
            }
        }
        impl<$($life,)? T: FixedType + PartialEq> PartialEq<[T]> for $t {
            fn eq(&self, other: &[T]) -> bool {
                let view = self.as_view();
                view.count() == other.len() && other.iter().enumerate().all(|(i, value)| view.take_at(i) == *value)
            }
        }
        impl<$($life,)? T: FixedType + PartialEq> PartialEq<Vec<T>> for $t {
            fn eq(&self, other: &Vec<T>) -> bool {
                *self == other[..]
            }
        }
        impl<$($life,)? T: FixedType + PartialEq> PartialEq for $t {
            fn eq(&self, other: &Self) -> bool {
                let (one, other) = (self.as_view(), other.as_view());
                one.count() == other.count() && (0..one.count()).all(|i| one.take_at(i) == other.take_at(i))
            }
        }
    )* };
}

pub(super) use {reading, standard, writing};
