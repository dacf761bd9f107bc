/** What the page's document loads: starts the threads, and then the page, which takes longer to load than to say so. */
import { wantsColdBoot } from '../ui/boot-choice.ts';
import { startThreads } from './threads.ts';

const threads = startThreads(wantsColdBoot(new URLSearchParams(location.search)));
await threads.begun;
const { openPage } = await import('./page.ts');
openPage(threads);
