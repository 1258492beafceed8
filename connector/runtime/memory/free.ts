/**
 * Frees the memory of bytes that nothing reads any more: they are empty afterwards. Otherwise V8 frees it in its next
 * full collection, which comes sooner the more such memory there is. Does nothing if others may share the memory.
 */
export function free({ buffer, length }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === length && !buffer.detached) buffer.transfer(0)
}
