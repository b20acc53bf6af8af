# SPDX-License-Identifier: Apache-2.0
"""Rules of a Windows engine that need more than one question: the tests that show them. And what none can show here."""

from __future__ import annotations

from .windows_rules import Shown, Unseen


def _ways(rule: str, test: str, ours: str = "") -> Shown:
    return Shown(rule, "imagebuild/engine/test_windows_ways.py", test, ours)


def _engine(rule: str, module: str, test: str, ours: str = "") -> Shown:
    folder, _slash, name = module.rpartition("/")
    return Shown(rule, f"imagebuild/engine/{folder}/test_{name}.py", test, ours)


SHOWN = (
    _ways("isolation-default", "test_a_container_has_the_engines_isolation_unless_it_says_otherwise"),
    _ways("isolation-filter", "test_a_list_is_filtered_by_isolation"),
    _ways("user", "test_a_program_runs_as_administrator_in_c_unless_the_container_says_otherwise"),
    _ways("working-dir", "test_a_program_runs_as_administrator_in_c_unless_the_container_says_otherwise"),
    _ways("exec-inherits", "test_an_exec_has_the_containers_variables_and_folder"),
    _engine("args-escaped", "containers/commandline", "test_a_line_that_is_escaped_already_goes_as_it_is"),
    _engine("exec-args-escaped", "containers/commandline", "test_a_word_is_escaped_as_go_does_it"),
    _engine("env-merged", "containers/create", "test_names_of_variables_are_one_whatever_their_case"),
    _engine("health-shell", "containers/health", "test_the_line_of_a_probe"),

    _engine("binds-lower-case", "volumes/mountspec", "test_a_bind_is_lower_cased_source_and_target"),
    _ways("no-copy-up", "test_a_volume_stays_empty_whatever_the_image_has_there"),
    Shown("read-only-mounts", "imagebuild/runtime/wine/test_box.py",
          "test_a_mount_is_there_and_read_only_is_enforced"),
    _ways("network-default", "test_a_container_is_in_nat_unless_it_says_otherwise"),
    _engine("port-taken", "networks/publish",
            "test_a_port_that_is_taken_is_refused_as_windows_does_and_the_others_are_let_go"),
    _ways("cp-mounts", "test_a_copy_goes_to_the_containers_drive_and_not_into_a_mount"),
    _ways("cp-owner", "test_a_copy_has_no_owner"),
    _ways("diff-paths", "test_a_diff_is_told_of_a_container_that_has_ended"),
    _engine("diff-paths", "containers/changed", "test_changes_are_paths_of_a_layer_and_nothing_is_ever_added",
            "the hives that Windows names as well are left out"),
    _engine("from-scratch", "api/building", "test_a_hostprocess_image_is_built_from_scratch",
            "a build here gives what wcow build gives, and that makes HostProcess images; Windows says "
            "'Windows does not support FROM scratch' (builder/dockerfile/dispatchers.go:249)"),
    _engine("import", "api/registry", "test_importing_a_plain_tar_is_refused"),

    _engine("signals", "containers/lifecycle_stopped", "test_a_kill_ends_it_and_term_shuts_it_down"),
    _engine("harmless-signals", "containers/lifecycle_stopped",
            "test_what_a_docker_command_sends_by_itself_is_told_and_does_nothing",
            "on Windows any signal ends the container; docker on Linux sends WINCH when its window changes"),
    _ways("stop-signal", "test_a_stop_signal_means_nothing_but_kill"),
    _ways("stop-timeout", "test_a_stop_gives_half_a_minute_or_what_the_container_or_the_client_says"),
    _engine("stdin-pipe", "streams/streams", "test_without_input_the_program_reads_nothing"),
    _engine("one-stream-with-tty", "streams/streams", "test_a_terminal_has_a_size_and_one_stream"),
    _ways("console-size", "test_a_terminal_has_the_size_that_was_asked_for"),
    _ways("exit-codes", "test_an_exit_code_has_32_bits"),
    _engine("top-titles", "api/containers", "test_top_and_processes_show_what_runs"),
    _ways("stats-shape", "test_stats_are_those_of_windows_and_hold_nothing_of_a_cgroup"),
    _engine("engine-restart", "containers/lifecycle", "test_what_a_killed_engine_left_is_reported_as_ended"),
    _engine("pull-picks", "api/registry", "test_of_an_index_the_engine_takes_what_its_windows_takes"),
    _engine("pull-picks", "api/registry", "test_an_image_this_windows_cannot_have_is_refused_before_its_layers"),
)

UNSEEN = (
    Unseen("cp-hyperv", "a container with Hyper-V isolation never runs here"),
    Unseen("nanocpus-steps", "a cgroup's limit is finer than a hundredth of a processor, and nothing shows it"),
    Unseen("kill-wait", "how long moby waits for HCS; nothing here takes that long"),
    Unseen("exit-unreadable", "-1 is the code of a program whose end HCS does not tell; here every end is told"),
    Unseen("supported-hosts", "the engine runs on Linux; --windows-build says which Windows it shows"),
    Unseen("engine-pipe", "its socket is one of Unix, for its owner alone: tests of the server show it"),
)
