/** Bytes of the largest packet on a cable that says nothing of it, as on Ethernet. */
export const DEFAULT_MTU = 1500;
