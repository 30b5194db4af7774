package import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

extension FilePath {
    /// The absolute path without links, "." and ".." (realpath(3)); nil if a part of it does not exist.
    package var resolvingLinks: FilePath? {
        guard let resolved = withPlatformString({ realpath($0, nil) }) else { return nil }
        defer { free(resolved) }
        return FilePath(platformString: resolved)
    }
}
