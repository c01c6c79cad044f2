//! Lends the engine's context to Python for the time of one call.
//!
//! One of the two files of the bindings with `unsafe`; the other is `compiled.rs`. A strategy hook runs while the engine holds a `&mut Context` that it does not touch
//! until the hook has returned; [`Lent`] keeps a pointer to it for exactly that time.

use std::cell::Cell;
use std::ptr::NonNull;

use engine::strategy::Context;

/// A place where a context can be found while it is lent.
#[derive(Default)]
pub struct Lent {
    context: Cell<Option<NonNull<Context<'static>>>>,
}

/// Ends the loan, also when the hook unwinds.
struct Return<'a>(&'a Lent);
impl Drop for Return<'_> {
    fn drop(&mut self) {
        self.0.context.set(None);
    }
}

impl Lent {
    /// Lends `context` while `call` runs.
    pub fn lend<R>(&self, context: &mut Context<'_>, call: impl FnOnce() -> R) -> R {
        // The lifetime is erased, not extended: the pointer is removed before `context` can be used again.
        self.context.set(Some(NonNull::from(context).cast()));
        let _ends = Return(self);
        call()
    }

    /// Uses the context, if it is lent at the moment. `look` must not call back into Python code of a strategy.
    pub fn with<R>(&self, look: impl FnOnce(&mut Context<'_>) -> R) -> Option<R> {
        // Taken out while in use, so that a second look inside `look` finds nothing instead of an alias.
        let mut pointer = self.context.take()?;
        #[expect(unsafe_code, reason = "the module's purpose; see the proof below")]
        // SAFETY: `lend` set the pointer from a live `&mut` that its caller does not use before `lend` returns, and
        // `Return` removes it then. It is of this thread (the class that holds `Lent` is unsendable), and it was taken
        // out of the cell, so no other reference to the context exists.
        let result = look(unsafe { pointer.as_mut() });
        self.context.set(Some(pointer));
        Some(result)
    }
}
