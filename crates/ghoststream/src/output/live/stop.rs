//! A flag that ends waiting.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Raised once, seen by everybody who has a clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    /// Ends all waiting, now and later.
    pub(crate) fn raise(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }

    /// Whether it was raised.
    pub(crate) fn is_raised(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for so long, or until it is raised; whether it was.
    pub(crate) fn wait(&self, most: Duration) -> bool {
        let raised = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.1.wait_timeout_while(raised, most, |raised| !*raised);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
