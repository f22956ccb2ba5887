import Mustache

/// The values a template may use, by name; `customer.name` is found as the value of that very name. It notes every name that was printed
/// and has no value. Used by one rendering at a time.
final class TemplateValues: MustacheParent {
    private let values: [String: String]
    private(set) var missing: [String] = []

    init(_ values: [String: String]) { self.values = values }

    func child(named name: String) -> Any? { find(name) }

    fileprivate func find(_ name: String) -> any MustacheParent {
        if let text = values[name], text.contains(where: { !$0.isWhitespace }) { return Value(text: text, all: self) }
        let prefix = name + "."
        if values.keys.contains(where: { $0.hasPrefix(prefix) }) { return Group(prefix: prefix, all: self) }
        return Missing(name: name, all: self)
    }

    fileprivate func note(_ name: String) {
        if !missing.contains(name) { missing.append(name) }
    }
}

/// A value that is there. As a section it is true unless it says `false`.
private struct Value: MustacheParent, MustacheCustomRenderable, MustacheTransformable {
    let text: String
    let all: TemplateValues

    var renderText: String { text }
    var isNull: Bool { text == "false" }
    func child(named name: String) -> Any? { nil }

    func transform(_ name: String) -> Any? {
        switch text.transform(name) {
        case let changed as String: Value(text: changed, all: all)
        case let changed as Substring: Value(text: String(changed), all: all)
        case let other?: other
        case nil: Missing(name: "\(name)(…)", all: all)
        }
    }
}

/// `customer` of `customer.name`.
private struct Group: MustacheParent, MustacheCustomRenderable {
    let prefix: String
    let all: TemplateValues

    var renderText: String {
        all.note(String(prefix.dropLast()))
        return ""
    }
    var isNull: Bool { false }
    func child(named name: String) -> Any? { all.find(prefix + name) }
}

/// A name without a value: false as a section, and a reason not to send when it is printed.
private struct Missing: MustacheParent, MustacheCustomRenderable, MustacheTransformable {
    let name: String
    let all: TemplateValues

    var renderText: String {
        all.note(name)
        return ""
    }
    var isNull: Bool { true }
    func child(named child: String) -> Any? { Missing(name: "\(name).\(child)", all: all) }
    func transform(_ transform: String) -> Any? { self }
}
