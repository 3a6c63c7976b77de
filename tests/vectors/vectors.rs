//! Nothing: this manifest pins a package of test vectors, which the tests read.
