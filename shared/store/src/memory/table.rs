//! A table whose changes can be taken back.

use std::collections::BTreeMap;
use std::ops::RangeBounds;
use std::sync::Arc;

/// Rows by key. A clone shares its rows with the original until either changes them.
#[derive(Debug, Clone)]
pub(super) struct Table<K, V> {
    map: BTreeMap<K, Arc<V>>,
    undo: Option<Vec<(K, Option<Arc<V>>)>>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self {
            map: BTreeMap::new(),
            undo: None,
        }
    }
}

impl<K: Ord + Clone, V: Clone> Table<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.map.get(key).map(Arc::as_ref)
    }

    pub(super) fn has(&self, key: &K) -> bool {
        self.map.contains_key(key)
    }

    pub(super) fn put(&mut self, key: K, value: V) {
        let before = self.map.insert(key.clone(), Arc::new(value));
        if let Some(undo) = &mut self.undo {
            undo.push((key, before));
        }
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let before = self.map.remove(key)?;
        if let Some(undo) = &mut self.undo {
            undo.push((key.clone(), Some(Arc::clone(&before))));
        }
        Some(Arc::unwrap_or_clone(before))
    }

    pub(super) fn edit(&mut self, key: &K) -> Option<&mut V> {
        let value = self.map.get_mut(key)?;
        if let Some(undo) = &mut self.undo {
            undo.push((key.clone(), Some(Arc::clone(value))));
        }
        Some(Arc::make_mut(value))
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.map.iter().map(|(key, value)| (key, value.as_ref()))
    }

    pub(super) fn range(
        &self,
        range: impl RangeBounds<K>,
    ) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.map
            .range(range)
            .map(|(key, value)| (key, value.as_ref()))
    }

    /// From now on changes can be taken back.
    pub(super) fn begin(&mut self) {
        self.undo = Some(Vec::new());
    }

    pub(super) fn keep(&mut self) {
        self.undo = None;
    }

    pub(super) fn roll_back(&mut self) {
        for (key, before) in self.undo.take().into_iter().flatten().rev() {
            match before {
                Some(value) => self.map.insert(key, value),
                None => self.map.remove(&key),
            };
        }
    }
}
