/**
 * SHA-256 sums of the packages that this project takes from the package index, so that no index can give it others. A package
 * with several files, for Pythons and architectures, has several sums.
 */
const sums: Readonly<Record<string, readonly string[]>> = {
  "pip==21.3.1": ["deaf32dcd9ab821e359cd8330786bcd077604b5c5730c0b096eda46f95c24a2d"],
  // For Python 2.7 on x86_64; there is none for aarch64.
  "pyuwsgi==2.0.19.1": ["206937deaebbac5c87692657c3151a5a9d40ecbc9b051b94154205c50a48e963"],
  // For Python 3.6 on x86_64 and aarch64.
  "pyuwsgi==2.0.20": [
    "342c312949c2f494f5d9ac272965715483cb22ed0353c18abb1b4590769ef00f",
    "5740b84a016a246c69edef0df11912560df9a45c2adf6e47701329a974e37a71",
  ],
  // For Python 3.11 on x86_64 and aarch64.
  "pyuwsgi==2.0.30.post1": [
    "4a0bbb46b8e78e23ba064ebcaf926a69cd9f951f0bb7872f87c05728041d303b",
    "5db8a522695b67e2c4aeb5babe5559b211524cc6cfaa07f7637412b924d991d3",
  ],
  "setuptools==59.6.0": ["4ce92f1e1f8f01233ee9952c04f6b81d1e02939d6e1b488428154974a4d0783e"],
  "uwsgi==2.0.31": ["e8f8b350ccc106ff93a65247b9136f529c14bf96b936ac5b264c6ff9d0c76257"],
  "virtualenv==16.7.12": ["9180ce4102c388073bac71ecd041f7f31f9ef8c528edb205d75ae6144d08106e"],
  "wheel==0.37.1": ["4bdcd7d840138086126cd09254dc6195fb4fc6f01c050a1d7236f2630db1d22a"],
};

/** A requirement (NAME==VERSION) with its hashes, as pip reads it. One that a user has chosen has none. */
export function withHashes(requirement: string): string {
  return [requirement, ...(sums[requirement] ?? []).map((sum) => `--hash=sha256:${sum}`)].join(" ");
}
