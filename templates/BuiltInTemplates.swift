/// The set-ups of this directory, as they are compiled into piflash: a copy of the program needs no files.
package enum BuiltInTemplates {
    /// By name; the files of each by theirs.
    package static let files: [String: [String: [UInt8]]] = [
        "classroom": ["class.yaml": PackageResources.class_yaml, "students.csv": PackageResources.students_csv],
        "rack": ["rack.yaml": PackageResources.rack_yaml],
        "single": ["pi.yaml": PackageResources.pi_yaml],
    ]
}
