#include "command.hpp"

namespace cortado {

std::unordered_map<std::string, std::vector<Entry>>& command_table() {
    static std::unordered_map<std::string, std::vector<Entry>> table;
    return table;
}

namespace {

Command* command(const char* name, const nb::args& arguments) {
    const auto found = command_table().find(name);
    if (found != command_table().end())
        for (const Entry& entry : found->second)
            if (auto made = entry.make(entry.kernel, arguments)) return made.release();
    throw nb::type_error("no kernel of this name takes these arguments as a command");
}

void run_all(const nb::list& commands) {
    std::vector<Command*> all;
    all.reserve(commands.size());
    for (nb::handle one : commands) all.push_back(nb::cast<Command*>(one));
    Free free;
    for (Command* one : all) one->run();
}

}  // namespace

void bind_commands(nb::module_& m) {
    nb::class_<Command>(m, "Command").def("__call__", &Command::run);
    m.def("command", command, nb::rv_policy::take_ownership);
    m.def("run_all", run_all);
}

}  // namespace cortado
