import { csharpSample } from './csharp.ts'
import { curlSample } from './curl.ts'
import { goSample } from './go.ts'
import { javaSample } from './java.ts'
import { javascriptSample } from './javascript.ts'
import { phpSample } from './php.ts'
import { pythonSample } from './python.ts'
import type { SampleCall } from './sample-call.ts'

/** In the order of the tabs; each sample runs as it is, once the two values are in. */
export const languages: readonly {
  language: string
  label: string
  write: (call: SampleCall) => string
}[] = [
  { language: 'bash', label: 'curl', write: curlSample },
  { language: 'javascript', label: 'JavaScript', write: javascriptSample },
  { language: 'python', label: 'Python', write: pythonSample },
  { language: 'java', label: 'Java', write: javaSample },
  { language: 'go', label: 'Go', write: goSample },
  { language: 'csharp', label: 'C#', write: csharpSample },
  { language: 'php', label: 'PHP', write: phpSample },
]
