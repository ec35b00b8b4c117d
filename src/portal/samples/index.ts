export { curlSample } from './curl.ts'
export { languages } from './languages.ts'
export {
  clientIdPlaceholder,
  clientSecretPlaceholder,
  type SampleCall,
} from './sample-call.ts'
