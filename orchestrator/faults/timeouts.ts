// How long is waited for whom; all in ms.

/** For a device to confirm a fault; one that is frozen is not asked. */
export const CONFIRM_TIMEOUT = 3000;

/** The same for a device that is still starting. */
export const BOOT_TIMEOUT = 30_000;

/** For devices to tell their counts, when somebody only wants to look. */
export const COUNT_TIMEOUT = 500;

/** Until what was asked must be in effect, carriers included, unless told. */
export const DEFAULT_TIMEOUT = 30_000;
