const checkMilliseconds = 5000;
const longestWaitMilliseconds = 8000;

/** Whether anybody answers: looks again and again, less often while nobody does, and says when that changes. */
export class Link {
  isDown = false;
  #check;
  #say;
  #pill;
  #hasAnswered = false;
  #failures = 0;

  /**
   * @param {object} options
   * @param {() => Promise<boolean>} options.check whether it has looked; rejects if nobody answers
   * @param {(text: string) => void} options.say
   * @param {HTMLElement} options.pill shows the state
   */
  constructor({ check, say, pill }) {
    this.#check = check;
    this.#say = say;
    this.#pill = pill;
  }

  up() {
    if (this.isDown) this.#say("The service answers again.");
    else if (!this.#hasAnswered) this.#say("Ready. Send a request to see who answers.");
    this.#hasAnswered = true;
    this.#failures = 0;
    this.#show(false, "answers");
  }

  down(reason) {
    this.#say(`The service does not answer (${reason}). This page keeps trying.`);
    this.#show(true, "no answer");
  }

  #show(isDown, text) {
    this.isDown = isDown;
    document.body.classList.toggle("down", isDown);
    document.body.classList.toggle("up", !isDown);
    this.#pill.textContent = text;
  }

  /** Looks now, and again for as long as the page is open. */
  async watch() {
    for (;;) {
      try {
        if (await this.#check()) this.up();
      } catch (error) {
        this.#failures++;
        this.down(error.message);
      }
      const wait = this.isDown ? Math.min(1000 * 2 ** this.#failures, longestWaitMilliseconds) : checkMilliseconds;
      for (let left = wait; left > 0; left -= 1000) {
        if (this.isDown) this.#pill.textContent = `no answer, next try in ${left / 1000} s`;
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    }
  }
}
