import { bundle } from './build/bundle.ts'

// `npm run build`: the connector as the image has it, for `npm start`, the demo, tests and benchmarks.
await bundle('dist')
