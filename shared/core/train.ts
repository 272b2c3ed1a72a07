// Packets in a row that are not written yet: the port at the end of their way writes them right into the message
// that they leave in, as a NIC does with segmentation offload.

/** Segments, packets or frames, as the layer has it that gives them down. */
export interface Train {
  readonly count: number;
  /** Bytes of each. */
  readonly length: number;
  /** Writes the one of that index, whole, to `target` from `at` on. */
  write(index: number, target: Uint8Array, at: number): void;
}
