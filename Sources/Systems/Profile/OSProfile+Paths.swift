extension OSProfile {
    /// The file with the system's locale. From Debian trixie on /etc/default/locale is a link to /etc/locale.conf, and
    /// becomes one again at the next boot if a file takes its place.
    package var localePath: String {
        guard let release = system?.codename.flatMap(DebianRelease.init(rawValue:)), release >= .trixie else {
            return RootPath.locale
        }
        return RootPath.localeConfiguration
    }
}
