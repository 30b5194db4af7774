#if canImport(Glibc)
    import Glibc
#endif

extension UnsafeRawBufferPointer {
    /// Whether every byte is zero. memcmp of the buffer with itself, shifted by one: the fastest portable test.
    package var isAllZero: Bool {
        guard let first = baseAddress, !isEmpty else { return true }
        return self[0] == 0 && memcmp(first, first + 1, count - 1) == 0
    }
}
