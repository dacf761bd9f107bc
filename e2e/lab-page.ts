/** The page, by roles and names: what a user or a screen reader finds. Actions are steps of the report. */
import { expect, type Locator, type Page, test } from '@playwright/test';

type Action<Args extends unknown[]> = (this: LabPage, ...args: Args) => Promise<void>;

/** Shows a method as a step of its own in the report. */
function step<Args extends unknown[]>(
  action: Action<Args>,
  { name }: ClassMethodDecoratorContext<LabPage, Action<Args>>,
): Action<Args> {
  return function (...args) {
    const title = `${String(name)} ${args.map((arg) => JSON.stringify(arg)).join(' ')}`;
    return test.step(title, () => action.apply(this, args));
  };
}

export class LabPage {
  readonly page: Page;
  readonly guest: Locator;
  /** Which guest is shown, with several. */
  readonly guestShown: Locator;
  readonly hostModel: Locator;
  readonly theme: Locator;
  readonly restart: Locator;
  readonly reprobeNotice: Locator;
  readonly reprobe: Locator;
  readonly panes: Locator;

  readonly console: Locator;
  readonly consoleInput: Locator;
  readonly consoleScreen: Locator;
  readonly device: Locator;
  readonly logs: Locator;
  readonly packets: Locator;
  readonly inspector: Locator;

  readonly linkLevel: Locator;
  readonly receiveMode: Locator;
  readonly deviceStatus: Locator;
  readonly features: Locator;
  /** Whether the guest's link is up: turns it over. */
  readonly linkSwitch: Locator;
  readonly ioctls: Locator;

  readonly packetGrid: Locator;
  readonly packetRows: Locator;
  /** The row with the cursor. */
  readonly chosenPacket: Locator;
  readonly packetFilter: Locator;
  readonly packetsShown: Locator;
  readonly clear: Locator;

  /** As a list, or as a matrix. */
  readonly showAs: Locator;
  readonly verdictsToShow: Locator;

  readonly verdicts: Locator;
  readonly balance: Locator;
  readonly balanceMark: Locator;
  readonly hostModels: Locator;
  readonly presets: Locator;
  readonly frameForm: Locator;
  readonly ioctlResult: Locator;
  readonly result: Locator;

  /** How much needless work MULTI causes: the answer, and how it comes about. */
  readonly needless: Locator;
  readonly derivation: Locator;
  readonly costOverTime: Locator;
  readonly faults: Locator;
  readonly injectedFaults: Locator;
  readonly faultResult: Locator;
  readonly ioctlByHand: Locator;
  readonly linkInFull: Locator;
  readonly linkResult: Locator;
  readonly switchPorts: Locator;
  readonly editFeatures: Locator;
  readonly featureDialog: Locator;

  constructor(page: Page) {
    this.page = page;
    this.guest = page.getByRole('status', { name: 'Guest', exact: true });
    this.guestShown = page.getByRole('group', { name: 'Guest shown' });
    this.hostModel = page.getByRole('combobox', { name: 'Host model' });
    this.theme = page.getByRole('combobox', { name: 'Theme' });
    this.restart = page.getByRole('button', { name: 'Restart' });
    this.reprobeNotice = page.getByRole('status', { name: 'Re-probe needed' });
    this.reprobe = this.reprobeNotice.getByRole('button');
    this.panes = page.getByRole('navigation', { name: 'Panes' });

    this.console = page.getByRole('region', { name: 'Serial console' });
    // Of the guest that is shown: another's is hidden.
    this.consoleInput = page.getByRole('textbox', { name: /^Serial console input/ });
    // What the terminal draws, line by line; it has no role.
    this.consoleScreen = this.console.locator('lab-terminal:not([hidden]) .xterm-rows');
    this.device = page.getByRole('region', { name: 'Device', exact: true });
    this.logs = page.getByRole('region', { name: 'Logs' });
    this.packets = page.getByRole('region', { name: 'Packets' });
    this.inspector = page.getByRole('region', { name: 'Inspector' });

    this.linkLevel = this.device.getByRole('status', { name: 'Link level' });
    this.receiveMode = this.device.getByRole('list', { name: 'Receive mode' });
    this.deviceStatus = this.device.getByRole('list', { name: 'Device status' });
    this.features = this.device.getByRole('table', { name: 'Features' });
    this.linkSwitch = this.device.getByRole('switch', { name: 'Link', exact: true });
    this.ioctls = this.logs.getByRole('table', { name: 'Link ioctls' });

    this.packetGrid = this.packets.getByRole('grid', { name: 'Packets' });
    this.packetRows = this.packetGrid.getByRole('row');
    this.chosenPacket = this.packetGrid.getByRole('row', { selected: true });
    this.packetFilter = this.packets.getByRole('combobox', { name: 'Filter packets' });
    this.packetsShown = this.packets.getByRole('status', { name: 'Packets shown' });
    this.clear = this.packets.getByRole('button', { name: 'Clear' });

    this.showAs = this.packets.getByRole('group', { name: 'Show as' });
    this.verdictsToShow = this.packets.getByRole('combobox', { name: 'Verdicts to show' });

    this.verdicts = this.inspector.getByRole('table', { name: 'Verdict of every host model' });
    this.balance = this.inspector.getByRole('table', { name: 'Balance of frames' });
    this.balanceMark = this.inspector.getByRole('status', { name: 'Balance' });
    this.hostModels = this.inspector.getByRole('table', { name: 'Host models' });
    this.presets = this.inspector.getByRole('group', { name: 'Presets' });
    this.frameForm = this.inspector.getByRole('group', { name: 'Frame', exact: true });
    this.ioctlResult = this.inspector.getByRole('status', { name: 'Ioctl result' });
    this.result = this.inspector.getByRole('status', { name: 'Result', exact: true });

    this.needless = this.inspector.getByRole('status', { name: 'Needless work' });
    this.derivation = this.inspector.getByRole('table', { name: 'Derivation of needless work' });
    this.costOverTime = this.inspector.getByRole('slider', { name: 'Cost over time' });
    this.faults = this.inspector.getByRole('group', { name: 'Faults' });
    this.injectedFaults = this.faults.getByRole('status', { name: 'Injected faults' });
    this.faultResult = this.faults.getByRole('status', { name: 'Fault result' });
    this.ioctlByHand = this.inspector.getByRole('group', { name: 'Ioctl by hand' });
    this.linkInFull = this.inspector.getByRole('group', { name: 'Link in full' });
    this.switchPorts = this.inspector.getByRole('table', { name: 'Ports of the switch' });
    this.linkResult = this.linkInFull.getByRole('status', { name: 'Link result' });
    this.editFeatures = this.device.getByRole('button', { name: 'Edit features' });
    this.featureDialog = page.getByRole('dialog', { name: 'Device features' });
  }

  /** A button of the trace's switch. */
  trace(name: 'Live' | 'Recorded' | 'Off'): Locator {
    return this.packets.getByRole('group', { name: 'Trace' }).getByRole('button', { name });
  }

  /** Rows of the table of features whose bit is in force. */
  get featuresInForce(): Locator {
    return this.features
      .getByRole('row')
      .filter({ has: this.page.getByRole('cell', { name: 'in force', exact: true }) });
  }

  /** The line of a host model, whose name may be shortened, in the verdicts on the chosen packet. */
  verdictOf(model: 'before-1125' | '372a574' | 'exact'): Locator {
    return this.verdicts.getByRole('row', { name: new RegExp(`^(propolis-)?${model}`) });
  }

  @step
  async showLogs(tab: 'Ioctls' | 'Control commands' | 'Negotiation' | 'Guest errors'): Promise<void> {
    await this.logs.getByRole('tab', { name: tab }).click();
  }

  @step
  async inspect(tab: 'Packet' | 'Counters' | 'Cost' | 'Traffic' | 'Host'): Promise<void> {
    await this.inspector.getByRole('tab', { name: tab }).click();
  }

  @step
  async showGuest(number: 1 | 2): Promise<void> {
    await this.guestShown.getByRole('button', { name: `Guest ${number}` }).click();
  }

  @step
  async showPackets(mode: 'List' | 'Matrix'): Promise<void> {
    await this.showAs.getByRole('button', { name: mode }).click();
  }

  /** Puts the cursor on the packet with that frame id. */
  @step
  async selectPacket(id: number): Promise<void> {
    await this.packetFilter.fill(`id:${id}`);
    await this.packetRows.first().click();
    await this.packetFilter.fill('');
  }

  /**
   * At its prompt the shell reads key by key. What is typed while it changes to that from reading line by
   * line can end it: Linux takes an unfinished line for the end of the file.
   */
  @step
  async focusPrompt(): Promise<void> {
    await expect(this.consoleScreen).toHaveText(/root@guest:~#\s*$/);
    await this.consoleInput.focus();
  }

  @step
  async typeInConsole(text: string): Promise<void> {
    await this.focusPrompt();
    await this.page.keyboard.type(text);
    await this.page.keyboard.press('Enter');
  }

  terminalRows(): Promise<number> {
    return this.consoleScreen.locator('> div').count();
  }

  /** All that the terminal holds, not only what is in view. */
  async consoleText(): Promise<string> {
    return this.page.locator('lab-console').evaluate((element) => (element as HTMLElement & { text: string }).text);
  }
}
