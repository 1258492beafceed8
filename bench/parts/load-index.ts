import { loadTable } from '../../connector/index/stream-index.ts'
import { BENCH_KEY, benchStore, type StoredIndex } from './bench-store.ts'
import { memoryOf } from './process-usage.ts'

/** Loads a stored index in a process of its own, and prints what that took. Megabytes are 10^6 bytes, resident. */
const { address, segments }: StoredIndex = JSON.parse(process.argv[2] ?? '')
const stop = new AbortController().signal
const checkpoints = benchStore(address)
const store = checkpoints.segments(BENCH_KEY)
await loadTable(store, { segments: segments.slice(-1), delta: '' }, stop)
const startMegabytes = memoryOf('self').megabytes
const began = performance.now()
const table = await loadTable(store, { segments, delta: '' }, stop)
const figures = {
  clients: table.size(),
  loadMs: performance.now() - began,
  segments: segments.length,
  tableMegabytes: table.bytes() / 1e6,
  startMegabytes,
  peakMegabytes: memoryOf('self').peakMegabytes,
}
await checkpoints.close()
process.stdout.write(JSON.stringify(figures))
